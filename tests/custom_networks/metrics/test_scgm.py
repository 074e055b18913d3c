import math

import numpy as np
import pytest

from custom_networks import SCGM_METRICS, scgm_metrics


def box(x0: int, x1: int, y0: int = 4, y1: int = 8) -> np.ndarray:
    mask = np.zeros((20, 12, 2), bool)
    mask[x0:x1, y0:y1] = True
    return mask


def test_ten_values_in_a_fixed_order():
    assert list(scgm_metrics(box(4, 8), box(4, 8), (1, 1, 5))) == list(SCGM_METRICS)
    assert len(SCGM_METRICS) == 10


def test_equal_masks_have_perfect_scores():
    values = scgm_metrics(box(4, 8), box(4, 8), (0.5, 0.5, 5))
    assert all(values[name] == 1 for name in ("dice", "sensitivity", "specificity", "precision", "jaccard", "conformity"))
    assert all(value == 0 for name, value in values.items() if name.endswith("_mm"))


def test_known_answer_of_a_shift():
    # 4x4 boxes moved by 2 of 4 columns: 8 pixels agree, 8 are wrongly found, 8 missed, on each of two slices.
    values = scgm_metrics(box(6, 10), box(4, 8), (0.5, 2.0, 5))
    assert values["dice"] == 0.5
    assert values["jaccard"] == pytest.approx(1 / 3)
    assert values["sensitivity"] == values["precision"] == 0.5
    assert values["specificity"] == pytest.approx(1 - 16 / (480 - 32))
    assert values["conformity"] == -1
    assert values["hausdorff_surface_distance_mm"] == pytest.approx(1.0)


def test_distances_use_the_spacing_of_each_axis():
    columns = scgm_metrics(box(7, 11), box(4, 8), (0.5, 2.0, 5))
    rows = scgm_metrics(box(4, 8, 5, 9), box(4, 8), (0.5, 2.0, 5))
    assert columns["hausdorff_surface_distance_mm"] == pytest.approx(1.5)
    assert rows["hausdorff_surface_distance_mm"] == pytest.approx(2.0)


def test_skeleton_distances_of_parallel_bars():
    one, other = np.zeros((20, 12, 1), bool), np.zeros((20, 12, 1), bool)
    one[2:18, 3], other[2:18, 7] = True, True
    values = scgm_metrics(one, other, (1.0, 0.5, 5))
    assert values["skeletonized_hausdorff_distance_mm"] == values["skeletonized_median_distance_mm"] == 2.0
    assert values["mean_surface_distance_mm"] == 2.0


def test_scores_of_empty_masks():
    empty = np.zeros((20, 12, 2), bool)
    both = scgm_metrics(empty, empty, (1, 1, 1))
    assert both["dice"] == both["jaccard"] == both["conformity"] == 1
    assert math.isnan(both["sensitivity"]) and math.isnan(both["mean_surface_distance_mm"])
    missed = scgm_metrics(empty, box(4, 8), (1, 1, 1))
    assert missed["dice"] == 0 and missed["conformity"] == -math.inf


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="must share a shape"):
        scgm_metrics(box(4, 8), box(4, 8)[..., :1], (1, 1, 1))
