import numpy as np
import pytest

from custom_networks.metrics.identification import centroids, identification_rate
from custom_networks.metrics.overlap import mask_scores


def box(low: int, high: int) -> np.ndarray:
    mask = np.zeros((20, 20, 10), bool)
    mask[low:high, 5:15, 2:8] = True
    return mask


def test_a_box_that_grew_by_two_slices():
    """Of 10 x 10 x 6 voxels and 2 mm along the first axis, two slices more: 4 mm on one side, none on the others."""
    scores = mask_scores(box(5, 17), box(5, 15), (2.0, 1.0, 1.0))
    assert scores["dice"] == pytest.approx(2 * 10 / 22)
    assert scores["hd95"] == pytest.approx(4.0)
    assert 0 < scores["surface_distance"] < 2
    assert scores["volume_error"] == pytest.approx(2 * 10 * 6 * 2.0)
    assert scores["relative_volume_error"] == pytest.approx(0.2)


def test_equal_masks_and_empty_ones():
    same = mask_scores(box(5, 15), box(5, 15), (1, 1, 1))
    assert (same["dice"], same["hd95"], same["surface_distance"], same["volume_error"]) == (1, 0, 0, 0)
    missed = mask_scores(box(0, 0), box(5, 15), (1, 1, 1))
    assert missed["dice"] == 0 and np.isnan(missed["hd95"]) and missed["relative_volume_error"] == 1
    empty = mask_scores(box(0, 0), box(0, 0), (1, 1, 1))
    assert empty["dice"] == 1 and np.isnan(empty["surface_distance"]) and np.isnan(empty["relative_volume_error"])


def test_pictures_have_two_axes():
    truth = np.zeros((12, 12), bool)
    truth[2:8, 2:8] = True
    scores = mask_scores(np.roll(truth, 3, axis=0), truth, (0.5, 0.5))
    assert scores["dice"] == pytest.approx(0.5) and scores["hd95"] == pytest.approx(1.5)


def test_identification_asks_for_the_nearest_centroid_within_20_mm():
    truth = {20: np.array([0.0, 0, 0]), 21: np.array([0.0, 0, 30]), 22: np.array([0.0, 0, 60])}
    assert identification_rate(truth, truth) == 1
    one_too_high = {number - 1: centre for number, centre in truth.items()}
    assert identification_rate(one_too_high, truth) == 0
    assert identification_rate({20: np.array([0.0, 0, 19.9])}, {20: truth[20]}) == 1
    assert identification_rate({20: np.array([0.0, 0, 20.1])}, {20: truth[20]}) == 0
    assert identification_rate({}, truth) == 0 and np.isnan(identification_rate(truth, {}))


def test_centroids_are_in_mm():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[2:4, 4, 6] = 7
    assert centroids(labels, (2.0, 1.0, 0.5))[7] == pytest.approx([5.0, 4.0, 3.0])
