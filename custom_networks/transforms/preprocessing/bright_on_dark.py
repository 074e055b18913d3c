"""Bring pictures of writing to bright strokes on a dark ground."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform


class BrightOnDarkd(MapTransform):
    """Invert pictures whose frame is brighter than the middle of their range, such as ink on paper.

    Args:
        keys: pictures, ``(C, H, W)``.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            picture = data[key]
            low, high = picture.min(), picture.max()
            frame = torch.cat([picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]], dim=1)
            if float(frame.median()) > float(low + high) / 2:
                data[key] = high + low - picture
        return data
