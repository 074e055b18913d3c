"""Bone in boxes, against counting."""

import numpy as np
import pytest

from custom_networks.vertebrae.bone_boxes import BoneBoxes

VOLUME = np.random.default_rng(0).normal(size=(13, 9, 17))


@pytest.mark.parametrize("corner", [(0, 0, 0), (3, 2, 7), (-4, -2, -9), (10, 7, 15), (40, 0, 0)])
@pytest.mark.parametrize("size", [1, 4, 30])
def test_counts(corner, size):
    expected = np.count_nonzero(VOLUME[tuple(slice(max(0, c), max(0, c + size)) for c in corner)] > 0.5)
    assert BoneBoxes(VOLUME > 0.5).count(np.array(corner), size) == expected
