"""Give a single slice a third axis, and take it away again."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
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
            data[key] = _with_axes(image.unsqueeze(-1), 3) if flat else image
            self.push_transform(data[key], extra_info={"flat": flat})
        return data

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            transform = self.pop_transform(data[key])
            if transform[TraceKeys.EXTRA_INFO]["flat"]:
                data[key] = _with_axes(data[key].squeeze(-1), 2)
        return data


def _with_axes(image: torch.Tensor, count: int) -> torch.Tensor:
    """Tell a MetaTensor how many spatial axes it has now; Resize's inverse relies on it, unsqueeze leaves it as it was."""
    if isinstance(image, MetaTensor):
        image.spatial_ndim = count
    return image
