"""The ten measures of the spinal cord gray matter challenge."""

import numpy as np
import torch
from monai.metrics.utils import get_edge_surface_distance
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

SCGM_METRICS = (
    "dice",
    "mean_surface_distance_mm",
    "hausdorff_surface_distance_mm",
    "skeletonized_hausdorff_distance_mm",
    "skeletonized_median_distance_mm",
    "sensitivity",
    "specificity",
    "precision",
    "jaccard",
    "conformity",
)


def scgm_metrics(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, float]:
    """Compare two masks of one volume by the ten measures of the challenge.

    Overlap is counted over the whole volume. Distances are taken slice by slice in the plane, since slices are far
    apart, and then averaged over the slices on which both masks have something; the Hausdorff distances are the
    largest of a slice. Without such a slice the distances are NaN, as are ratios whose denominator is empty. Two
    empty masks agree: Dice, Jaccard and conformity are 1.

    Args:
        prediction: mask ``(X, Y, Z)``, non-zero is gray matter.
        truth: mask of the same shape.
        spacing: of the three axes in mm; the third is that of the slices.

    Returns:
        value of each of `SCGM_METRICS`. Conformity is ``1 - (FP + FN) / TP``, minus infinity without a true positive.

    Raises:
        ValueError: when the shapes differ.

    Reference:
        Prados et al.: Spinal cord grey matter segmentation challenge. NeuroImage 152, 2017.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"Masks must share a shape, got {prediction.shape} and {truth.shape}.")
    prediction, truth = prediction.astype(bool), truth.astype(bool)
    both = int((prediction & truth).sum())
    false_positive = int((prediction & ~truth).sum())
    false_negative = int((~prediction & truth).sum())
    neither = int((~prediction & ~truth).sum())
    wrong = false_positive + false_negative
    distances = _slice_distances(prediction, truth, spacing[:2])
    agreement = 1.0 if wrong == 0 else -np.inf  # without a true positive
    conformity = 1 - wrong / both if both else agreement
    values = (
        2 * both / (2 * both + wrong) if both + wrong else 1.0,
        *distances,
        _ratio(both, both + false_negative),
        _ratio(neither, neither + false_positive),
        _ratio(both, both + false_positive),
        both / (both + wrong) if both + wrong else 1.0,
        conformity,
    )
    return dict(zip(SCGM_METRICS, (float(value) for value in values), strict=True))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _slice_distances(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Mean of the four distances over the slices on which both masks have something."""
    rows = [
        _plane_distances(prediction[..., z], truth[..., z], spacing)
        for z in range(truth.shape[2])
        if prediction[..., z].any() and truth[..., z].any()
    ]
    return np.mean(rows, axis=0) if rows else np.full(4, np.nan)


def _plane_distances(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, float]) -> tuple[float, ...]:
    _, distances, _ = get_edge_surface_distance(
        torch.from_numpy(prediction), torch.from_numpy(truth), spacing=spacing, symmetric=True, use_subvoxels=False
    )
    surface = np.concatenate([distance.numpy() for distance in distances])
    skeletons = skeletonize(prediction), skeletonize(truth)
    to_truth = distance_transform_edt(~skeletons[1], sampling=spacing)[skeletons[0]]
    to_prediction = distance_transform_edt(~skeletons[0], sampling=spacing)[skeletons[1]]
    skeleton = np.concatenate([to_truth, to_prediction])
    return float(surface.mean()), float(surface.max()), float(skeleton.max()), float(np.median(skeleton))
