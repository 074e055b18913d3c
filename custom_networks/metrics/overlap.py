"""How a mask compares with the truth: overlap, distances between surfaces, volume."""

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from ..geometry.regions import box_of, grown

NAN = float("nan")


def mask_scores(mask: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> dict[str, float]:
    """Score one mask.

    Args:
        mask: ``(X, Y)`` or ``(X, Y, Z)``.
        truth: mask of the same shape.
        spacing: of the axes in mm.

    Returns:
        ``dice``: 1 where both are empty. ``hd95`` and ``surface_distance``: 95th percentile and mean of the distances between the
        surfaces in mm, both ways, by MONAI; NaN where a mask is empty. ``volume_error``: mask less truth, mm3 or, of two axes, mm2.
        ``relative_volume_error``: its absolute value over the truth's volume; NaN where that is empty.

    Example:
        >>> truth = np.zeros((8, 8), bool); truth[2:6, 2:6] = True
        >>> mask_scores(np.roll(truth, 1, axis=0), truth, (2.0, 1.0))["dice"]
        0.75
    """
    mask, truth = np.asarray(mask, bool), np.asarray(truth, bool)
    sizes = int(mask.sum()), int(truth.sum())
    error = (sizes[0] - sizes[1]) * float(np.prod(spacing))
    scores = {
        "dice": 2 * int((mask & truth).sum()) / sum(sizes) if any(sizes) else 1.0,
        "hd95": NAN,
        "surface_distance": NAN,
        "volume_error": error,
        "relative_volume_error": abs(sizes[0] - sizes[1]) / sizes[1] if sizes[1] else NAN,
    }
    if all(sizes):
        box = grown(box_of(mask | truth), 1, truth.shape)
        pair = [torch.from_numpy(np.ascontiguousarray(part[box], np.uint8))[None, None] for part in (mask, truth)]
        options = {"include_background": True, "spacing": [float(value) for value in spacing]}
        scores["hd95"] = float(compute_hausdorff_distance(*pair, percentile=95, **options))
        scores["surface_distance"] = float(compute_average_surface_distance(*pair, symmetric=True, **options))
    return scores
