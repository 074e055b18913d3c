"""Paint consolidations and effusions into the lungs of a radiograph."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy.ndimage import gaussian_filter


class RandLungOpacityd(RandomizableTransform, MapTransform):
    """Take parts of the lungs towards the brightness of the heart, as disease does; the labels stay.

    Half of the opacities are clouds, anywhere in a lung; the others fill a lung from its base up, like an effusion. The anatomy
    under an opacity is what a reader infers, so the network learns to do so.

    Args:
        keys: pictures ``(1, columns, rows)``.
        label_key: label map of the same shape.
        prob: probability that a picture gets opacities.
        lungs: labels of the lungs.
        heart: label whose mean brightness an opacity tends to.
    """

    def __init__(
        self, keys: KeysCollection, label_key: str = "label", prob: float = 0.3, lungs: Sequence[int] = (1, 2), heart: int = 3
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.lungs, self.heart = label_key, tuple(lungs), heart

    def randomize(self, labels: np.ndarray) -> None:
        """Draw the opacities of a label map ``(columns, rows)``, from 0 to 1."""
        super().randomize(None)
        self.opacities: list[torch.Tensor] = []
        for _ in range(self.R.randint(1, 4) if self._do_transform else 0):
            lung = labels == self.lungs[self.R.randint(len(self.lungs))]
            if lung.any() and (labels == self.heart).any():
                weight = self._cloud(lung) if self.R.random() < 0.5 else self._effusion(lung)
                self.opacities.append(torch.from_numpy((weight * self.R.uniform(0.2, 0.95)).astype(np.float32)))

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        labels = np.asarray(data[self.label_key][0])
        self.randomize(labels)
        for key in self.key_iterator(data):
            data[key] = cloud_lungs(data[key], self.opacities, torch.from_numpy(labels == self.heart))
        return data

    def _cloud(self, lung: np.ndarray) -> np.ndarray:
        places = np.argwhere(lung)
        offset = np.indices(lung.shape) - places[self.R.randint(len(places))][:, None, None]
        angle = self.R.uniform(0, np.pi)
        across = np.cos(angle) * offset[0] + np.sin(angle) * offset[1]
        along = np.cos(angle) * offset[1] - np.sin(angle) * offset[0]
        radius = self.R.uniform(0.02, 0.15, 2) * max(lung.shape)
        texture = gaussian_filter(self.R.standard_normal(lung.shape), self.R.uniform(1, 6))
        texture = 1 + self.R.uniform(0, 0.5) * texture / (np.abs(texture).max() + 1e-6)
        cloud = np.exp(-((across / radius[0]) ** 2) - (along / radius[1]) ** 2) * texture
        return cloud.clip(0, 1) * gaussian_filter(lung.astype(np.float32), 2)

    def _effusion(self, lung: np.ndarray) -> np.ndarray:
        columns, rows = np.indices(lung.shape)
        filled = np.flatnonzero(lung.any(axis=0))
        level = np.quantile(filled, self.R.uniform(0.4, 1.0))
        tilt = self.R.uniform(-0.3, 0.3) * (columns - np.argwhere(lung)[:, 0].mean())
        below = 1 / (1 + np.exp((level + tilt - rows) / self.R.uniform(1, 8)))
        return below * gaussian_filter(lung.astype(np.float32), 2)


def cloud_lungs(picture: torch.Tensor, opacities: Sequence[torch.Tensor], heart: torch.Tensor) -> torch.Tensor:
    """Take a picture ``(1, columns, rows)`` by each opacity towards the mean brightness of the heart's mask, where it is darker."""
    for weight in opacities:
        picture = picture + weight * (picture[0][heart].mean() - picture).clamp(min=0)
    return picture
