"""Boxes carried from one grid to another."""

import numpy as np
import pytest
from nibabel.affines import from_matvec

from custom_networks.geometry.regions import reach

SHAPE = (20, 30, 40)


def test_box_on_a_grid_of_half_the_spacing():
    box = (slice(1, 3), slice(0, 2), slice(2, 50))
    assert reach(box, from_matvec(np.diag([2.0, 2.0, 2.0]), [1, -2, 0]), SHAPE) == (slice(2, 7), slice(0, 2), slice(3, 40))


@pytest.mark.parametrize("shift", [-100, 100])
def test_box_elsewhere_is_empty(shift):
    there = reach((slice(0, 5),) * 3, from_matvec(np.eye(3), [shift] * 3), SHAPE)
    assert np.zeros(SHAPE)[there].size == 0
