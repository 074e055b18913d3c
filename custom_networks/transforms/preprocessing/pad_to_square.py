"""Make pictures square."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Pad


class PadToSquared(MapTransform, InvertibleTransform):
    """Fill the shorter of the first two axes with zeros on both sides, so that resizing keeps proportions.

    Args:
        keys: images ``(C, H, W)`` or ``(C, H, W, D)``.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        self.pad = Pad(mode="constant")

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = data[key]
            side = max(image.shape[1:3])
            missing = [(0, 0)] + [((side - size) // 2, side - size - (side - size) // 2) for size in image.shape[1:3]]
            data[key] = self.pad(image, to_pad=missing + [(0, 0)] * (image.ndim - 3))
        return data

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            data[key] = self.pad.inverse(data[key])
        return data
