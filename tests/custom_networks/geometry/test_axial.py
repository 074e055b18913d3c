import itertools

import numpy as np
import pytest

from custom_networks.geometry.axial import slice_axis, slices_last

ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS)
def test_slices_come_last_whatever_the_order_and_thickness(order):
    affine = np.eye(4)
    affine[:3, :3] = np.diag([0.5, -0.4, 7.0])[:, list(order)]  # x, y and z are array axes in this order
    sizes = [(5, 6, 7)[i] for i in order]
    assert slice_axis(affine) == order.index(2)
    assert slices_last(np.zeros(sizes), affine).shape[2] == 7


def test_a_slice_gets_the_third_axis():
    assert slices_last(np.zeros((5, 6)), np.diag([0.5, 0.5, 4.0, 1.0])).shape == (5, 6, 1)
