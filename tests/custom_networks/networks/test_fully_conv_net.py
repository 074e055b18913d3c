import pytest
import torch

from custom_networks import FullyConvNet


@pytest.mark.parametrize(("channels", "count"), [((16, 32, 64, 64), 63_686), ((64, 128, 256, 256), 973_574)])
def test_parameter_counts_of_the_learning_unit(channels, count):
    assert sum(value.numel() for value in FullyConvNet(channels=channels).parameters()) == count


def test_grid_is_four_times_coarser():
    assert FullyConvNet()(torch.rand(2, 1, 64, 50)).shape == (2, 6, 16, 13)
