"""Hand-made masks of 1 mm3 voxels."""

import math

import numpy as np
from pytest import approx

from custom_networks import find_lesions, lesion_scores


def mask(*boxes) -> np.ndarray:
    array = np.zeros((30, 30, 30), np.uint8)
    for start, size in boxes:
        array[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = 1
    return array


SMALL, MIDDLE, LARGE = ((1, 1, 1), (1, 1, 5)), ((5, 5, 5), (3, 3, 3)), ((12, 12, 12), (5, 5, 5))  # 5, 27, 125 mm3
ELSEWHERE = ((25, 25, 25), (2, 2, 2))


def test_corners_touch_and_specks_are_no_lesions():
    array = mask(((0, 0, 0), (1, 1, 2)), ((1, 1, 2), (1, 1, 2)), ((9, 9, 9), (1, 1, 2)))
    lesions, volumes = find_lesions(array, 1.0)
    assert volumes.tolist() == [4.0] and lesions.max() == 1 and lesions[9, 9, 9] == 0
    assert find_lesions(array, 2.0)[1].tolist() == [8.0, 4.0]


def test_equal_masks_have_perfect_scores():
    scores = lesion_scores(mask(SMALL, LARGE), mask(SMALL, LARGE), 1.0)
    assert (scores.dice, scores.true_positive_rate, scores.positive_predictive_value, scores.f1) == (1, 1, 1, 1)
    assert scores.volume_difference == 0
    assert scores.by_size == {
        "3-10": {"lesions": 1, "found": 1, "false": 0},
        "10-100": {"lesions": 0, "found": 0, "false": 0},
        "100+": {"lesions": 1, "found": 1, "false": 0},
    }


def test_one_missed_one_false_one_touched():
    truth = mask(SMALL, MIDDLE, LARGE)
    pred = mask(MIDDLE, ((16, 12, 12), (5, 5, 5)), ELSEWHERE)  # touches a fifth of the large one
    scores = lesion_scores(pred, truth, 1.0)
    assert scores.true_positive_rate == approx(2 / 3) and scores.positive_predictive_value == approx(2 / 3)
    assert scores.f1 == approx(2 / 3)
    assert scores.dice == approx(2 * (27 + 25) / (157 + 160))
    assert scores.volume_difference == approx(3 / 157)
    assert scores.by_size["3-10"] == {"lesions": 1, "found": 0, "false": 1}
    assert scores.by_size["100+"] == {"lesions": 1, "found": 1, "false": 0}


def test_one_blob_over_everything_finds_nothing():
    truth = mask(SMALL, MIDDLE, LARGE)
    for blob in (np.ones_like(truth), mask(((0, 0, 0), (18, 18, 18)))):
        scores = lesion_scores(blob, truth, 1.0)
        assert (scores.true_positive_rate, scores.positive_predictive_value, scores.f1) == (0, 0, 0)


def test_a_blob_that_joins_dense_lesions_is_not_right_by_a_fifth():
    truth = np.zeros((30, 30, 30), np.uint8)
    for corner in np.ndindex(5, 5, 5):
        truth[tuple(slice(6 * c, 6 * c + 3) for c in corner)] = 1  # an eighth of the space
    assert lesion_scores(np.ones_like(truth), truth, 1.0).f1 == 0
    assert lesion_scores(truth, truth, 1.0).f1 == 1


def test_a_touch_by_a_voxel_finds_nothing():
    scores = lesion_scores(mask(((16, 16, 16), (6, 6, 6))), mask(LARGE), 1.0)  # one voxel in common
    assert (scores.true_positive_rate, scores.positive_predictive_value) == (0, 0)


def test_two_lesions_joined_by_a_bridge_are_both_found():
    truth = mask(((5, 5, 5), (4, 4, 4)), ((11, 5, 5), (4, 4, 4)))
    scores = lesion_scores(mask(((5, 5, 5), (10, 4, 4))), truth, 1.0)
    assert (scores.true_positive_rate, scores.positive_predictive_value, scores.f1) == (1, 1, 1)


def test_pieces_of_a_large_lesion_are_right():
    pieces = mask(((12, 12, 12), (2, 5, 5)), ((15, 12, 12), (2, 5, 5)))
    scores = lesion_scores(pieces, mask(LARGE), 1.0)
    assert (scores.true_positive_rate, scores.positive_predictive_value) == (1, 1)


def test_other_pathology_counts_neither_way():
    truth = mask(MIDDLE) + 2 * mask(LARGE)
    assert lesion_scores(mask(MIDDLE, LARGE), truth, 1.0).dice == 1
    assert lesion_scores(mask(MIDDLE), truth, 1.0).f1 == 1


def test_scores_of_empty_masks():
    nothing = mask()
    both = lesion_scores(nothing, nothing, 1.0)
    assert both.dice == 1 and both.f1 == 1 and math.isnan(both.volume_difference)
    false = lesion_scores(mask(MIDDLE), nothing, 1.0)
    assert false.dice == 0 and false.f1 == 0 and false.positive_predictive_value == 0
    missed = lesion_scores(nothing, mask(MIDDLE), 1.0)
    assert missed.f1 == 0 and missed.volume_difference == 1
