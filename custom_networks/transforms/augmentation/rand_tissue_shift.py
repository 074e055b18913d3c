"""Tissues of other brightness than a patient's own."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy import ndimage


class RandTissueShiftd(RandomizableTransform, MapTransform):
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
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.most = label_key, most
        self.height, self.centre, self.width = height, centre, width

    def randomize(self, data=None) -> None:
        super().randomize(None)
        self.shifts = []
        if self._do_transform:
            limits = (self.height, self.centre, self.width)
            self.shifts = [tuple(self.R.uniform(*part) for part in limits) for _ in range(self.R.randint(1, self.most + 1))]

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize()
        for key in self.key_iterator(data) if self.shifts else ():
            image, label = np.asarray(data[key], dtype=np.float32), np.asarray(data[self.label_key])
            data[key] = torch.from_numpy(shift_tissues(image, label, self.shifts))
        return data


def shift_tissues(image: np.ndarray, label: np.ndarray, shifts: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Return FLAIR and T1 ``(2, X, Y, Z)`` with FLAIR brighter by ``height`` where T1 is near ``centre``, within ``width``."""
    image = image.copy()
    healthy = 1 - ndimage.gaussian_filter((label[0] > 0).astype(np.float32), 0.7)
    brain = (image != 0).any(0)
    for height, centre, width in shifts:
        image[0] += brain * healthy * height * np.exp(-(((image[1] - centre) / width) ** 2) / 2)
    return image
