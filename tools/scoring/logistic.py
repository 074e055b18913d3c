"""Logistic regression with signs that are known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu


@dataclass(frozen=True)
class Logistic:
    """Probability ``1 / (1 + exp(-(bias + weights . features)))``."""

    weights: np.ndarray
    bias: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(features @ self.weights + self.bias, -30, 30)))


def fit(features: np.ndarray, good: np.ndarray, signs: Sequence[int], penalty: float = 0.002) -> Logistic:
    """Fit a regression whose weights have given signs or are 0, by likelihood with a penalty on standardised weights.

    Args:
        features: ``(cases, features)``.
        good: truth values, ``(cases,)``.
        signs: 1 where more of a feature cannot be worse, -1 where it cannot be better.
        penalty: on the squared weights.
    """
    mean, deviation = features.mean(0), features.std(0).clip(1e-6)
    standard = (features - mean) / deviation
    side = np.where(good, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margin = side * (standard @ parameters[1:] + parameters[0])
        slope = -side / (1 + np.exp(np.clip(margin, -30, 30))) / len(side)
        gradient = np.append(slope.sum(), slope @ standard + 2 * penalty * parameters[1:])
        return float(np.logaddexp(0, -margin).mean() + penalty * (parameters[1:] ** 2).sum()), gradient

    bounds = [(None, None), *((0, None) if sign > 0 else (None, 0) for sign in signs)]
    found = minimize(loss, np.zeros(len(signs) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[1:] / deviation
    return Logistic(weights, float(found[0] - weights @ mean))


def roc_area(scores: np.ndarray, good: np.ndarray) -> float:
    """Return the area under the ROC curve: how often a good case scores above a bad one; NaN without both."""
    if good.all() or not good.any():
        return float("nan")
    return float(mannwhitneyu(scores[good], scores[~good]).statistic / (good.sum() * (~good).sum()))
