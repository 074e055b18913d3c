"""Which of all trails of a search are the spine."""

import numpy as np
import pytest

from custom_networks.vertebrae.names import FIRST, SACRUM
from custom_networks.vertebrae.spine import one_spine, swollen_ones
from custom_networks.vertebrae.traversal import FoundVertebra, Instance

MARGIN, REACH = 3.0, 30.0


def instances(trail: int, heights, x: float = 40.0, size: int = 4000) -> list[Instance]:
    """Complete vertebrae of a trail, from top to bottom, 10 voxels apart or as told."""
    made = []
    for height in heights:
        low, high = np.array([x - 5, 35, height - 4]), np.array([x + 5, 45, height + 4])
        made.append(Instance(FoundVertebra(1, True, 1.0, None, 1), len(made), trail, low, high, (low + high) / 2, size))
    return made


def heights(found: list[Instance]) -> list[float]:
    kept, second = one_spine(found, MARGIN, REACH)
    assert not second
    return sorted((float(instance.centre[2]) for instance in kept), reverse=True)


def test_a_trail_above_the_best_is_kept_whole():
    """Its highest vertebra, which comes first, must not make of the others what lies between two ends."""
    above, best = instances(1, [100, 90, 80, 70]), instances(2, [60, 50, 40, 30], size=9000)
    assert heights(above + best) == [100, 90, 80, 70, 60, 50, 40, 30]


def test_a_trail_below_the_best_is_kept_whole():
    best, below = instances(1, [100, 90, 80, 70], size=9000), instances(2, [60, 50, 40])
    assert heights(best + below) == [100, 90, 80, 70, 60, 50, 40]


def test_what_fills_a_gap_of_the_best_is_kept():
    best, upper, gap = instances(3, [50, 40, 30], size=9000), instances(1, [120, 110, 100]), instances(2, [90, 80, 70])
    assert heights(best + upper + gap) == [120, 110, 100, 90, 80, 70, 50, 40, 30]


def test_one_of_two_at_a_height_fills_a_gap():
    best, gap = instances(1, [120, 110, 60, 50], size=9000), instances(2, [100, 99, 90])
    assert heights(best + gap) == [120, 110, 100, 90, 60, 50]


def test_what_lies_beside_the_best_or_between_two_neighbours_is_left_out():
    best = instances(1, [100, 90, 80, 70, 60], size=9000)
    assert heights(best + instances(2, [85, 75], x=50)) == [100, 90, 80, 70, 60]
    kept, second = one_spine(best + instances(2, [95, 85, 75], x=90), MARGIN, REACH)
    assert len(kept) == 5 and second


def test_a_second_spine_beside_a_gap_is_one_too():
    best = instances(1, [120, 110, 60, 50], size=9000)
    kept, second = one_spine(best + instances(2, [100, 90, 80], x=90), MARGIN, REACH)
    assert len(kept) == 4 and second


@pytest.mark.parametrize(
    ("sizes", "swollen"),
    [
        ([4000, 4100, 5400, 4200, 4300], [2]),
        ([4000, 4100, 4700, 4200, 4300], []),  # no more than vertebrae differ
        ([4000, 4800, 5800, 6900], []),  # they grow downwards
        ([2000, 4100, 4200], []),  # the first is small
        ([4000, 4200, 6000], [2]),
        ([9000], []),
    ],
)
def test_much_larger_than_both_neighbours_may_be_two(sizes, swollen):
    spine = instances(1, [100 - 10 * place for place in range(len(sizes))])
    for instance, size in zip(spine, sizes, strict=True):
        instance.size, instance.vertebra.number = size, 20
    assert [spine.index(instance) for instance in swollen_ones(spine, 200)] == swollen


def test_sacrum_and_what_the_ends_of_the_scan_cut_make_no_neighbour_swollen():
    spine = instances(1, [96, 86, 76, 66])
    for instance, size in zip(spine, [2000, 4000, 4100, 20000], strict=True):
        instance.size, instance.vertebra.number = size, 20
    spine[-1].vertebra.number = SACRUM
    assert swollen_ones(spine, 200) == []
    spine[1].size = 5200
    assert swollen_ones(spine, 200) == [spine[1]]
    spine[1].vertebra.number = FIRST  # as wide as two others
    assert swollen_ones(spine, 200) == []


@pytest.mark.parametrize("sizes", [[15100, 18800, 13700, 13200], [21700, 28300, 18700, 18000]])
def test_c2_is_no_two_vertebrae(sizes):
    """Volumes in mm3 in the label maps gl003 and gl017 of VerSe: C2 is 1.4 and 1.5 times as large as C3."""
    spine = instances(1, [96, 86, 76, 66])
    for number, (instance, size) in enumerate(zip(spine, sizes, strict=True), FIRST):
        instance.size, instance.vertebra.number = size, number
    assert swollen_ones(spine, 200) == []
