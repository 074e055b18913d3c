"""Boxes carried from one grid to another."""

import numpy as np
import pytest
from nibabel.affines import from_matvec
from scipy.ndimage import find_objects

from custom_networks.geometry.regions import box_of, label_boxes, reach

SHAPE = (20, 30, 40)


def test_box_on_a_grid_of_half_the_spacing():
    box = (slice(1, 3), slice(0, 2), slice(2, 50))
    assert reach(box, from_matvec(np.diag([2.0, 2.0, 2.0]), [1, -2, 0]), SHAPE) == (slice(2, 7), slice(0, 2), slice(3, 40))


@pytest.mark.parametrize("shift", [-100, 100])
def test_box_elsewhere_is_empty(shift):
    there = reach((slice(0, 5),) * 3, from_matvec(np.eye(3), [shift] * 3), SHAPE)
    assert np.zeros(SHAPE)[there].size == 0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("most", [0, 3, 30])
@pytest.mark.parametrize("places", [[], [(0, 0, 0)], [(19, 29, 39)], [(3, 4, 5), (9, 4, 1)]], ids=["none", "first", "last", "two"])
def test_boxes_of_labels_are_those_of_scipy(places, most, order):
    labels = np.zeros(SHAPE, np.uint8, order=order)
    for code, place in enumerate(places, 1):
        labels[place] = 2 * code
    found = label_boxes(labels, most)
    assert found == find_objects(labels, most) and len(found) == (most or 2 * len(places))


@pytest.mark.parametrize("mask", [np.eye(4, dtype=bool)[1:3], np.array([0, 0, 7, 0, 1, 0])], ids=["2D", "numbers"])
def test_box_of_a_mask(mask):
    (expected,) = find_objects((mask > 0).astype(np.uint8))
    assert box_of(mask) == expected
