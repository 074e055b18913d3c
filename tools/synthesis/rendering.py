"""From a full label map to what a scanner and an annotator would give."""

import numpy as np

from .codes import METAL, SACRUM, VERTEBRAE
from .painting import paint_ct
from .scanner import average_pool, pool_instances, scan

METAL_SHARE = 0.1  # of a coarse voxel, from which on streaks start there


def render(
    labels: np.ndarray, random: np.random.Generator, spacing: float, factor: int, quiet: bool = False, enhanced: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return a CT in HU (int16) and the instances of vertebrae and sacrum, both on a grid coarser by ``factor``.

    Args:
        labels: codes of `codes` without `UNKNOWN`; sides are multiples of ``factor``.
        random: source of tissues, noise and everything else.
        spacing: of the isotropic grid of the labels in mm.
        factor: voxels of the labels a side of a voxel of the result.
        quiet: see `scan`.
        enhanced: see `paint_ct`.
    """
    metal = average_pool((labels == METAL).astype(np.float32), factor) > METAL_SHARE
    ct = scan(average_pool(paint_ct(labels, random, spacing, enhanced), factor), random, factor * spacing, metal, quiet)
    return np.round(ct).astype(np.int16), pool_instances(labels, factor, (*VERTEBRAE, SACRUM))
