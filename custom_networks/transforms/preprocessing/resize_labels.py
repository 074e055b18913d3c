"""Make label maps smaller without moving their borders."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import Resized
from torch.nn.functional import interpolate


class ResizeLabelsd(Resized):
    """Give every pixel of a smaller map the label that covers most of it, of equal shares the lowest; never lazily.

    MONAI's ``Resized`` with ``mode="nearest"`` takes the first pixel of each group: at a quarter of the size all structures move by
    one and a half pixels of the large map against the image, which costs thin ones a hundredth of Dice and more.

    Args:
        keys: label maps ``(1, H, W)`` or ``(1, H, W, D)``, whole numbers.
        spatial_size: of the result; -1 keeps an axis.
        settings: those of ``Resized``, but for ``mode`` and ``anti_aliasing``.
    """

    def __init__(self, keys, spatial_size, **settings) -> None:
        super().__init__(keys, spatial_size, mode="nearest", anti_aliasing=False, **settings)

    def __call__(self, data: Mapping[Hashable, torch.Tensor], lazy: bool | None = None) -> dict[Hashable, Any]:
        labels = {key: torch.as_tensor(data[key]).as_subclass(torch.Tensor) for key in self.key_iterator(dict(data))}
        resized = super().__call__(data, lazy=False)  # for its size and what it writes down of itself
        for key, label in labels.items():
            result = resized[key].as_subclass(torch.Tensor)
            most = torch.zeros_like(result, dtype=torch.float32)
            for value in label.unique():
                share = interpolate((label == value).float()[None], size=result.shape[1:], mode="area")[0]
                result[share > most] = value.to(result)
                most = torch.maximum(most, share)
        return resized
