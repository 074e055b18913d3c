"""Give a single slice a third axis, and take it away again."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys


class EnsureVolumed(MapTransform, InvertibleTransform):
    """Turn ``(C, H, W)`` into ``(C, H, W, 1)``; volumes stay as they are. The inverse restores the axes.

    Args:
        keys: images, channel first, with meta data.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = data[key]
            flat = image.ndim == 3
            data[key] = image.unsqueeze(-1) if flat else image
            self.push_transform(data[key], extra_info={"flat": flat})
        return data

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            transform = self.pop_transform(data[key])
            if transform[TraceKeys.EXTRA_INFO]["flat"]:
                data[key] = data[key].squeeze(-1)
        return data
