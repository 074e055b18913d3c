"""Bring brains of all scanners to one scale."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

IQR_OF_NORMAL = 1.349  # interquartile range of a normal distribution of standard deviation 1
TINY = 1e-4  # in place of 0 within the brain, since 0 is what lies outside


class NormalizeBraind(MapTransform):
    """Give every channel median 0 and, by its quartiles, standard deviation 1 where it is not 0; what lies outside stays 0.

    Unlike mean and standard deviation, quartiles do not move with what a skull-stripping left over, with bright vessels of a T1
    after contrast, or with large lesions.

    Args:
        keys: images ``(C, X, Y, Z)``, 0 outside the brain.
        most: values are cut off at plus and minus this.
    """

    def __init__(self, keys: KeysCollection, most: float = 8.0) -> None:
        super().__init__(keys)
        self.most = most

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = data[key].clone()
            for channel in range(len(image)):
                values = torch.as_tensor(image[channel]).float()
                inside = values != 0
                if bool(inside.any()):
                    image[channel] = torch.where(inside, self._scaled(values, values[inside]), 0)
            data[key] = image
        return data

    def _scaled(self, values: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        ordered = inside.sort().values
        low, median, high = (ordered[int(share * (len(ordered) - 1))] for share in (0.25, 0.5, 0.75))
        spread = (high - low) / IQR_OF_NORMAL
        spread = spread if spread > 0 else inside.std(correction=0).clamp(min=TINY)
        scaled = ((values - median) / spread).clamp(-self.most, self.most)
        return torch.where(scaled.abs() < TINY, TINY, scaled)
