"""Scores of instances on hand-made label maps."""

import math

import numpy as np
import pytest
import torch

from custom_networks.handlers.vertebra_report import score_scan
from custom_networks.metrics.vertebra_progress import VertebraProgress
from custom_networks.metrics.vertebra_scores import match_vertebrae, surface_distance

SPACING = (2.0, 2.0, 2.0)


def blocks(numbers: dict[int, int], shift: int = 0) -> np.ndarray:
    """Cubes of 10 voxels a side, from number to height."""
    labels = np.zeros((30, 30, 60), np.uint8)
    for number, z in numbers.items():
        labels[10 + shift : 20 + shift, 10:20, z : z + 10] = number
    return labels


TRUTH = blocks({20: 5, 21: 20, 22: 35})


def test_equal_masks_have_perfect_scores():
    matches = match_vertebrae(TRUTH, TRUTH, SPACING)
    assert [(m.truth, m.predicted, m.dice, m.assd) for m in matches] == [(n, n, 1.0, 0.0) for n in (20, 21, 22)]
    scores = score_scan(matches, {20: True, 21: True, 22: True})
    assert scores == {
        "dice": 1.0, "dice_whole": 1.0, "assd_mm": 0.0, "found": 1.0, "identification_rate": 1.0, "completeness_accuracy": 1.0,
        "false_positives": 0.0,
    }  # fmt: skip


def test_wrong_numbers_are_found_but_not_identified():
    matches = match_vertebrae(blocks({21: 5, 22: 20, 23: 35}), TRUTH, SPACING)
    scores = score_scan(matches, {})
    assert scores["found"] == 1.0 and scores["dice"] == 1.0 and scores["identification_rate"] == 0.0


def test_missed_merged_and_invented():
    predicted = blocks({20: 5, 23: 48})
    predicted[10:20, 10:20, 20:45] = 21  # 21 and 22 as one, with what is between them
    matches = match_vertebrae(predicted, TRUTH, SPACING)
    assert [(m.truth, m.predicted) for m in matches] == [(20, 20), (21, 21), (22, 0), (0, 23)]
    assert matches[1].iou == pytest.approx(10 / 25)
    scores = score_scan(matches, {20: True, 21: True})
    assert scores["found"] == pytest.approx(1 / 3) and scores["false_positives"] == 1
    assert scores["dice"] == pytest.approx((1 + 20 / 35 + 0) / 3)


def test_shift_by_one_voxel():
    match = match_vertebrae(blocks({20: 5}, shift=1), blocks({20: 5}), SPACING)[0]
    assert match.dice == pytest.approx(0.9) and match.iou == pytest.approx(9 / 11)
    assert 0.3 < match.assd < 1.0


def test_distances_are_in_mm():
    one, other = blocks({1: 5}) == 1, blocks({1: 5}, shift=1) == 1
    assert surface_distance(one, other, (2.0, 2.0, 2.0)) == pytest.approx(
        2 * surface_distance(one, other, (1.0, 1.0, 1.0)), rel=1e-5
    )


def test_slivers_are_not_asked_for_nor_punished():
    truth = TRUTH.copy()
    truth[10:15, 10:15, 59] = 19  # 25 voxels, 200 mm3
    matches = match_vertebrae(truth, truth, SPACING)
    assert [m.truth for m in matches] == [20, 21, 22]


def test_cut_by_the_border():
    truth = blocks({20: 50, 21: 30})
    assert [(m.truth, m.cut) for m in match_vertebrae(truth, truth, SPACING)] == [(20, True), (21, False)]


def test_nothing_there_and_nothing_found():
    empty = np.zeros((10, 10, 10), np.uint8)
    assert match_vertebrae(empty, empty, SPACING) == []
    assert math.isnan(score_scan([], {})["dice"])


def test_progress_of_patches():
    progress = VertebraProgress()
    pred = torch.full((3, 2, 2, 2), -1.0)
    pred[0, 0], pred[1], pred[2] = 1.0, 2.0, 19.0
    label = torch.zeros(4, 2, 2, 2)
    label[0, 0, 0], label[2], label[3] = 1.0, 1.0, 21.0
    nothing = torch.zeros(4, 2, 2, 2)
    nothing[2] = -1
    progress.update(([pred, torch.full((3, 2, 2, 2), -1.0)], [label, nothing]))
    assert progress.compute() == {"patch_dice": pytest.approx(2 * 2 / (4 + 2)), "completeness_accuracy": 1.0, "label_error": 2.0}
