"""Networks that answer together."""

import pytest
import torch

from custom_networks import LightUNet, MeanNetwork


def test_the_answer_is_the_mean_of_the_members():
    members = [LightUNet(width=4).eval(), LightUNet(width=4).eval()]
    image = torch.rand(1, 1, 24, 24)
    expected = (members[0](image) + members[1](image)) / 2
    assert torch.allclose(MeanNetwork(members).eval()(image), expected, atol=1e-6)


def test_it_can_be_scripted():
    network = MeanNetwork([LightUNet(width=4), LightUNet(width=4)]).eval()
    image = torch.rand(1, 1, 24, 24)
    assert torch.allclose(torch.jit.script(network)(image), network(image), atol=1e-5)


def test_no_members_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        MeanNetwork([])
