"""Resample volumes beside keys that are no volumes, and within bounds."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.transforms import Spacingd

from ...errors import UserError
from .axis_resample import AxisResample

MOST_VOXELS = 4e8  # of a resampled volume, 1.6 GB; more comes of headers that are wrong


class SpacingVolumed(Spacingd):
    """MONAI's ``Spacingd`` that sees its own keys only, and refuses what would fill the memory.

    MONAI 1.6.1 takes every entry ``image_...`` of the data for a dictionary of meta data and fails at the ``image_path`` that MONAI
    Label passes. Linear interpolation is that of `AxisResample`.

    Args:
        smooth: whether images are blurred as much as a coarser grid asks for.
        cut_out: whether 0 stands for nothing at all, see `AxisResample`.
        settings: those of ``Spacingd``.

    Raises:
        UserError: when a volume would have more than `MOST_VOXELS` voxels.
    """

    def __init__(self, *args, smooth: bool = False, cut_out: bool = False, **settings) -> None:
        super().__init__(*args, **settings)
        slow = self.spacing_transform.sp_resample
        same = {name: getattr(slow, name) for name in ("mode", "padding_mode", "align_corners", "dtype", "lazy")}
        self.spacing_transform.sp_resample = AxisResample(smooth, cut_out, **same)

    def __call__(self, data: Mapping[Hashable, Any], **kwargs) -> dict[Hashable, Any]:
        volumes = {key: data[key] for key in self.key_iterator(dict(data))}
        for volume in volumes.values():
            self._check_size(volume)
        return dict(data) | super().__call__(volumes, **kwargs)

    def _check_size(self, volume) -> None:
        shape = np.array(volume.shape[1:])
        found = np.linalg.norm(np.asarray(volume.affine, dtype=float)[:3, :3], axis=0)[: len(shape)]
        asked = np.broadcast_to(np.asarray(self.spacing_transform.pixdim, dtype=float), shape.shape)
        voxels = np.prod(shape * np.where(asked > 0, found / np.where(asked > 0, asked, 1), 1))
        if voxels > MOST_VOXELS:
            extent = " x ".join(f"{size:.0f}" for size in shape * found)
            raise UserError(
                f"{volume.meta.get('filename_or_obj', 'image')}: {extent} mm is implausibly large.",
                "Repair the spacing in the header, or crop the image.",
            )
