"""The network of levels."""

import pytest
import torch

from custom_networks.networks.vertebra_level_net import VertebraLevelNet


@pytest.fixture(scope="module")
def network() -> VertebraLevelNet:
    torch.manual_seed(0)
    return VertebraLevelNet().eval()


def crops() -> torch.Tensor:
    """Three instances above each other, the highest first."""
    crops = torch.rand(2, 2, 16, 24, 48, generator=torch.Generator().manual_seed(1))
    crops[:, 1] = 0
    for index, height in ((1, 32), (2, 20), (3, 8)):
        crops[:, 1, 4:12, 8:16, height : height + 8] = index
    return crops


def test_parameter_count_and_output_shape(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == 650_168
    assert network(crops()).shape == (2, 20, 40)


def test_each_instance_answers_for_itself_beside_its_neighbours(network):
    """What lies in the crop around is seen by all; which instance is asked for matters to it and its neighbours alone."""
    with torch.no_grad():
        weights = network._inside(crops()[:, 1].long())
        torch.testing.assert_close(weights.sum((2, 3, 4))[:, :4], torch.tensor([[1.0, 1, 1, 0]] * 2))
        assert (weights[0, 0].nonzero()[:, 2] >= 32 // 4).all()
        assert len({tuple(row.tolist()) for row in network(crops())[0, :3]}) == 3


def test_indices_beyond_the_most_are_none(network):
    many = crops()
    many[:, 1] *= 7  # 7, 14 and 21
    with torch.no_grad():
        assert network(many).shape == (2, 20, 40) and network(many).isfinite().all()


def test_every_parameter_learns(network):
    network = VertebraLevelNet().train()
    network(crops())[:, :3].square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())
