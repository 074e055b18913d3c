"""Refuse label maps that do not belong to their image."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from ...data.label_values import check_label_values
from ...errors import UserError


class CheckLabeld(MapTransform):
    """Raise one clear error for a label map of another grid than its image, or with values out of range.

    Compared are the grids of the files, so the image may have been resampled already; the label map may not.

    Args:
        keys: label maps, channel first, as loaded.
        image_key: the image.
        largest: largest legal label; all labels are whole numbers from 0.
        tolerance: accepted difference of the affines, in mm.
        further: label beyond the largest that is legal too, such as one of what is passed over.

    Raises:
        UserError: names the label's file, what was wrong and what to do.
    """

    def __init__(
        self, keys: KeysCollection, image_key: str, largest: int, tolerance: float = 1e-2, further: int | None = None
    ) -> None:
        super().__init__(keys)
        self.further = further
        self.image_key, self.largest, self.tolerance = image_key, largest, tolerance

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> Mapping[Hashable, torch.Tensor]:
        image = data[self.image_key]
        for key in self.key_iterator(data):
            self._check(data[key], image)
        return data

    def _check(self, label: torch.Tensor, image: torch.Tensor) -> None:
        file, image_file = label.meta.get("filename_or_obj", "label"), image.meta.get("filename_or_obj", "image")
        shape, expected = tuple(label.shape[1:]), tuple(int(n) for n in image.meta["spatial_shape"])
        if shape != expected:
            raise UserError(f"{file}: shape {shape}, but {image_file} has {expected}.", "Draw the label on the image's own grid.")
        difference = np.abs(np.asarray(label.meta["original_affine"]) - np.asarray(image.meta["original_affine"])).max()
        if not difference <= self.tolerance:
            raise UserError(
                f"{file}: its affine differs by {difference:.3g} mm from that of {image_file}.",
                "Resample the label to the image's grid.",
            )
        values = torch.as_tensor(label).cpu().numpy()
        check_label_values(file, values if self.further is None else values[values != self.further], self.largest)
