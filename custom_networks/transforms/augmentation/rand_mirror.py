"""Mirror pictures of the body and swap the names of its sides."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from ...data.mirror_labels import mirror_labels


class RandMirrord(RandomizableTransform, MapTransform):
    """Flip the first spatial axis, right to left, of an image and its label map, in which right and left change their labels.

    Args:
        keys: images ``(C, W, H, ...)`` whose first spatial axis runs from side to side.
        label_key: label map ``(1, W, H, ...)`` of the same grid.
        names: of the classes 1, 2, ..., see `mirror_labels`.
        prob: probability.
    """

    def __init__(self, keys: KeysCollection, label_key: str, names: Sequence[str], prob: float = 0.5) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.labels = label_key, torch.tensor(mirror_labels(names))

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize(None)
        if self._do_transform:
            for key in self.keys:
                data[key] = torch.flip(data[key], [1])
            label = torch.flip(data[self.label_key], [1])
            data[self.label_key] = self.labels.to(label.device)[label.long()].to(label.dtype)
        return data
