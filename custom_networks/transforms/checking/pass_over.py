"""Leave out of a score what nobody labelled."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform


class PassOverd(MapTransform):
    """Make prediction and label background where the label has a given value.

    Args:
        keys: predictions.
        label_key: label map of the same shape.
        value: label of what is passed over.
    """

    def __init__(self, keys: KeysCollection, label_key: str = "label", value: int = 255) -> None:
        super().__init__(keys)
        self.label_key, self.value = label_key, value

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        passed = torch.as_tensor(data[self.label_key] == self.value)
        for key in (*self.key_iterator(data), self.label_key):
            data[key] = data[key].masked_fill(passed.to(data[key].device), 0)
        return data
