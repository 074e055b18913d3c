"""Refuse images that no result should be computed from."""

import math
from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from ...errors import UserError

MOST_VALUE = 1e12  # beyond any unit of an image


class CheckVolumed(MapTransform):
    """Raise one clear error for an image that cannot be segmented: shape, values, or geometry.

    Checked are: two or three spatial axes, at least two pixels along the first two, finite values of up to 1e12, more than one
    value, an affine that can be inverted and whose voxels are between ``smallest`` and ``largest`` mm.

    Args:
        keys: images, channel first, with meta data.
        channels: number of channels expected.
        smallest: smallest accepted spacing in mm.
        largest: largest accepted spacing in mm.

    Raises:
        UserError: names the file, what was wrong and what to do.
    """

    def __init__(self, keys: KeysCollection, channels: int = 1, smallest: float = 0.01, largest: float = 100.0) -> None:
        super().__init__(keys)
        self.channels, self.smallest, self.largest = channels, smallest, largest

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> Mapping[Hashable, torch.Tensor]:
        for key in self.key_iterator(data):
            self._check(data[key])
        return data

    def _check(self, image: torch.Tensor) -> None:
        file = image.meta.get("filename_or_obj", "image")
        if image.ndim not in (3, 4):
            shape = "x".join(str(size) for size in image.shape[1:])
            raise UserError(f"{file}: an image of {image.ndim - 1} axes ({shape}).", "Give one volume or one slice a file.")
        if image.shape[0] != self.channels:
            remedy = "Give a grayscale image." if self.channels == 1 else f"Give an image of {self.channels} channels."
            raise UserError(f"{file}: {image.shape[0]} channels, expected {self.channels}.", remedy)
        if min(image.shape[1:3]) < 2:
            shape = "x".join(str(size) for size in image.shape[1:])
            raise UserError(f"{file}: too small ({shape}).", "Give an image of at least 2x2 pixels a slice.")
        least, largest = (float(end) for end in torch.aminmax(image.as_subclass(torch.Tensor)))  # NaN where there is one
        if not (math.isfinite(least) and math.isfinite(largest)):
            count = int((~torch.isfinite(image)).sum())
            raise UserError(f"{file}: {count} values are NaN or infinite.", "Replace them, for instance by 0, and try again.")
        if max(-least, largest) > MOST_VALUE:  # their squares would leave what float32 holds, and the network would see NaN
            raise UserError(
                f"{file}: values up to {max(-least, largest):.3g}, which no scanner gives.",
                "The file is damaged or was converted wrongly; replace them, for instance by 0, and try again.",
            )
        if largest == least:
            raise UserError(f"{file}: every pixel has the same value ({largest:g}).", "Check the export of this image.")
        affine = np.asarray(image.affine, dtype=float)[:3, :3]
        spacing = np.linalg.norm(affine, axis=0)
        if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine)) <= 1e-6 * max(np.prod(spacing), 1e-12):
            raise UserError(f"{file}: the affine is singular, so the image has no place in space.", "Repair the header.")
        if spacing.min() < self.smallest or spacing.max() > self.largest:
            found = " x ".join(f"{size:g}" for size in spacing)
            raise UserError(
                f"{file}: implausible spacing of {found} mm.",
                f"Repair the header; accepted: {self.smallest:g} to {self.largest:g} mm.",
            )
