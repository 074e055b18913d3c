"""Regression with known signs, and areas under curves."""

import numpy as np
import pytest

from tools.scoring.logistic import fit, roc_area


def test_signs_are_kept_and_informative_features_found():
    rng = np.random.default_rng(0)
    good = rng.random(400) < 0.6
    features = np.stack(
        [good + 0.4 * rng.standard_normal(400), -1.0 * good + rng.standard_normal(400), rng.standard_normal(400)], 1
    )
    found = fit(features, good, (1, 1, -1))
    assert found.weights[0] > 1 and found.weights[1] == 0 and -0.3 < found.weights[2] <= 0
    assert roc_area(found(features), good) > 0.95
    # probabilities are those of the data
    assert found(features).mean() == pytest.approx(good.mean(), abs=0.01)


def test_area_counts_pairs_and_halves_ties():
    good = np.array([True, True, False, False])
    assert roc_area(np.array([3.0, 1.0, 2.0, 0.0]), good) == 0.75
    assert roc_area(np.ones(4), good) == 0.5
    assert np.isnan(roc_area(np.ones(2), np.array([True, True])))
