"""Bone in boxes, against counting."""

import numpy as np
import pytest

from custom_networks.vertebrae.bone_boxes import BLOCK, BoneBoxes

VOLUME = np.random.default_rng(0).normal(size=(23, 9, 37)) > 0.5


def count(low: np.ndarray, high: np.ndarray) -> int:
    return np.count_nonzero(VOLUME[tuple(slice(max(0, a), max(0, b)) for a, b in zip(low, high, strict=True))])


@pytest.mark.parametrize("corner", [(0, 0, 0), (4, 0, 8), (-4, -8, -12), (12, 4, 16), (40, 0, 0)])
@pytest.mark.parametrize("size", [4, 16, 60])
def test_boxes_of_whole_blocks_are_counted_exactly(corner, size):
    assert BoneBoxes(VOLUME).count(np.array(corner), size) == count(np.array(corner), np.array(corner) + size)


@pytest.mark.parametrize("corner", [(1, -3, 2), (6, 3, 11), (-5, -2, -9), (21, 7, 35)])
@pytest.mark.parametrize("size", [9, 14, 30])
def test_others_lie_between_those_half_a_block_less_and_more(corner, size):
    low, high, half = np.array(corner), np.array(corner) + size, BLOCK // 2
    assert count(low + half, high - half) <= BoneBoxes(VOLUME).count(low, size) <= count(low - half, high + half)
