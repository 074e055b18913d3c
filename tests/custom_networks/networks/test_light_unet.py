import pytest
import torch

from custom_networks import LightUNet


def test_parameter_count_of_the_learning_unit():
    assert sum(value.numel() for value in LightUNet().parameters()) == 3_873_094


@pytest.mark.parametrize("size", [(64, 64), (61, 45), (9, 9)])
def test_output_has_the_size_of_the_input(size):
    assert LightUNet(width=4)(torch.rand(1, 1, *size)).shape == (1, 6, *size)


def test_torchscript_answers_alike():
    network, image = LightUNet(width=4).eval(), torch.rand(1, 1, 33, 40)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))
