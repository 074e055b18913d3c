"""Tissues of other brightness than a patient's own."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from scipy import ndimage


class RandTissueShiftd(MapTransform, Randomizable):
    """Brighten or darken FLAIR where T1 has a random value, outside lesions.

    T1 tells tissues apart. FLAIR gets a few ``height * exp(-((T1 - centre) / width)^2 / 2)`` added, so that cortex, deep gray
    matter or white matter become brighter or darker; lesions keep what they have. What is left to tell a lesion by is that it lies
    in white matter, and its shape.

    Args:
        keys: patches ``(2, X, Y, Z)``, FLAIR and T1, mean 0 and standard deviation 1 in the brain, 0 outside.
        label_key: label map ``(1, X, Y, Z)``; nothing changes where it is not 0.
        prob: probability that a patch is changed.
        most: largest number of such shifts.
        height: range of the shift.
        centre: range of T1 values that are shifted most.
        width: range of the standard deviation around them.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_key: str,
        prob: float = 0.5,
        most: int = 1,
        height: tuple[float, float] = (-0.4, 0.9),
        centre: tuple[float, float] = (-1.0, 0.6),
        width: tuple[float, float] = (0.3, 0.7),
    ) -> None:
        super().__init__(keys)
        self.label_key, self.prob, self.most = label_key, prob, most
        self.height, self.centre, self.width = height, centre, width

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        if self.R.random() >= self.prob:
            return data
        count = self.R.randint(1, self.most + 1)
        shifts = [[self.R.uniform(*limits) for limits in (self.height, self.centre, self.width)] for _ in range(count)]
        for key in self.key_iterator(data):
            image = np.array(data[key], dtype=np.float32)
            healthy = 1 - ndimage.gaussian_filter((np.asarray(data[self.label_key])[0] > 0).astype(np.float32), 0.7)
            brain = (image != 0).any(0)
            for height, centre, width in shifts:
                image[0] += brain * healthy * height * np.exp(-(((image[1] - centre) / width) ** 2) / 2)
            data[key] = torch.from_numpy(image)
        return data
