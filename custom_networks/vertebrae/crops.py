"""The crops by which instances are identified."""

from collections.abc import Sequence

import numpy as np
import torch

from ..geometry.regions import crop

SIZE, SPACING = (48, 48, 96), 3.0  # voxels and mm: ribs, several neighbours and the sacrum lie in it
MOST = 20  # instances in a crop
OUTSIDE = -1.0  # kHU, beyond the scan


def corner_of(centre: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Return the first voxel of a crop of that size around a centre, in voxels."""
    return np.round(np.asarray(centre) - (np.array(size) - 1) / 2).astype(int)


def crop_pair(
    volume: torch.Tensor, instances: torch.Tensor, centre: np.ndarray, size: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return CT and map of instances around a centre; `OUTSIDE` and 0 beyond the scan."""
    corner = corner_of(centre, size)
    return crop(volume, corner, size, OUTSIDE), crop(instances, corner, size, 0)
