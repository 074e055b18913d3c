"""Blur an image just as much as a coarser grid asks for."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from scipy.ndimage import gaussian_filter1d

STRENGTH = 0.35  # sigma in voxels for every voxel that one of the coarser grid spans beyond itself


def smoothing(spacing: np.ndarray, pixdim: Sequence[float]) -> np.ndarray:
    """Return the standard deviation in voxels along each axis; 0 where the grid to come is as fine or finer."""
    return STRENGTH * np.maximum(np.asarray(pixdim) / spacing - 1, 0)


class AntiAliasd(MapTransform):
    """Smooth along the axes whose spacing is finer than that of the grid to come, so that noise and thin bone do not alias.

    The standard deviation along an axis is ``0.35 * (pixdim / spacing - 1)`` voxels; axes that are as coarse or coarser stay as
    they are. Geometry does not change. Put it before ``Spacingd`` and after ``Orientationd``.

    Args:
        keys: images ``(C, X, Y, Z)`` with meta data.
        pixdim: spacing of the grid to come, in mm, for x, y and z.
    """

    def __init__(self, keys: KeysCollection, pixdim: Sequence[float]) -> None:
        super().__init__(keys)
        self.pixdim = tuple(pixdim)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = data[key]
            spacing = np.linalg.norm(np.asarray(image.affine, dtype=float)[:3, :3], axis=0)
            array = image.cpu().numpy()
            for axis, sigma in enumerate(smoothing(spacing, self.pixdim), start=1):
                if sigma > 0.05 and array.shape[axis] > 1:
                    array = gaussian_filter1d(array, sigma, axis=axis, truncate=3.0, mode="nearest")
            smoothed = image.clone()
            smoothed.copy_(torch.from_numpy(array))
            data[key] = smoothed
        return data
