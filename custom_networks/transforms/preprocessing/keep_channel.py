"""Keep one channel of an image."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform


class KeepChanneld(MapTransform):
    """Reduce ``(C, ...)`` to one channel, such as the probability of the one class beside background.

    Args:
        keys: images.
        channel: which.
    """

    def __init__(self, keys: KeysCollection, channel: int) -> None:
        super().__init__(keys)
        self.channel = channel

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        return dict(data) | {key: data[key][self.channel : self.channel + 1] for key in self.key_iterator(data)}
