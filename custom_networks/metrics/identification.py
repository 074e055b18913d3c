"""The identification rate of VerSe."""

import numpy as np
from skimage.measure import regionprops

WITHIN = 20.0  # mm


def identification_rate(predicted: dict[int, np.ndarray], truth: dict[int, np.ndarray], within: float = WITHIN) -> float:
    """Return the share of the truth's vertebrae that are identified; NaN where it has none.

    A vertebra is identified when, of all predicted centroids, that of its own number is nearest and lies closer than ``within``.

    Args:
        predicted: number to centroid in mm.
        truth: number to centroid in mm.
        within: mm.

    Reference:
        Sekuboyina et al.: VerSe: a vertebrae labelling and segmentation benchmark. Medical Image Analysis 73, 2021.

    Example:
        >>> identification_rate({20: np.zeros(3), 21: np.array([0, 0, 30])}, {20: np.array([0, 0, 5]), 21: np.array([0, 0, 9])})
        0.5
    """
    if not truth:
        return float("nan")
    identified = 0
    for number, centre in truth.items():
        distances = {other: float(np.linalg.norm(centroid - centre)) for other, centroid in predicted.items()}
        nearest = min(distances, key=distances.get, default=None)
        identified += nearest == number and distances[number] < within
    return identified / len(truth)


def centroids(labels: np.ndarray, spacing: tuple[float, float, float]) -> dict[int, np.ndarray]:
    """Return the centroid in mm of every label but 0 of a map ``(X, Y, Z)`` of integers."""
    # each in its own box: a pass over a whole CT for each takes minutes
    return {int(region.label): np.asarray(region.centroid) * spacing for region in regionprops(labels)}
