"""Draw what lies on radiographs beside the patient."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from PIL import Image, ImageDraw


class RandFilmObjectsd(RandomizableTransform, MapTransform):
    """Draw side markers, wires and tubes, generators of pacemakers, and the dark rims of a collimator.

    Each kind comes with its own probability. Objects absorb: they take the picture towards its brightest value by a random share;
    collimator rims are as dark as its darkest. Labels stay.

    Args:
        keys: pictures ``(C, H, W)``, bones bright.
        prob: probability that anything is drawn.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.3) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)

    def randomize(self, shape: Sequence[int]) -> None:
        """Draw opacities of objects, ``(H, W)`` from 0 to 1, and the collimator's rim."""
        super().randomize(None)
        self.objects: list[torch.Tensor] = []
        self.rim = None
        if not self._do_transform:
            return
        for draw, prob in ((self._marker, 0.5), (self._wires, 0.6), (self._generator, 0.25)):
            if self.R.random() < prob:
                self.objects.append(torch.from_numpy(self._mask(shape, draw)) * self.R.uniform(0.3, 1.0))
        if self.R.random() < 0.4:
            self.rim = torch.from_numpy(self._mask(shape, self._rims))

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            self.randomize(data[key].shape[1:])
            data[key] = lay_objects(data[key], self.objects, self.rim)
        return data

    def _mask(self, shape, draw) -> np.ndarray:
        canvas = Image.new("L", (shape[1], shape[0]))
        draw(ImageDraw.Draw(canvas), np.array([shape[1], shape[0]]))
        return np.asarray(canvas, dtype=np.float32) / 255

    def _marker(self, canvas: ImageDraw.ImageDraw, size: np.ndarray) -> None:
        corner = self.R.uniform(0, 0.9, 2) * size
        corner[self.R.randint(2)] *= 0.2
        text = "LR"[self.R.randint(2)] + ("" if self.R.random() < 0.5 else " PA")
        canvas.text(tuple(corner), text, fill=255, font_size=self.R.uniform(0.04, 0.12) * size[0])
        if self.R.random() < 0.3:
            canvas.rectangle([*corner, *(corner + self.R.uniform(0.03, 0.15, 2) * size)], fill=255)

    def _wires(self, canvas: ImageDraw.ImageDraw, size: np.ndarray) -> None:
        for _ in range(self.R.randint(1, 4)):
            ends = self.R.uniform(-0.1, 1.1, (4, 2)) * size
            t = np.linspace(0, 1, 40)[:, None]
            curve = (1 - t) ** 3 * ends[0] + 3 * (1 - t) ** 2 * t * ends[1] + 3 * (1 - t) * t**2 * ends[2] + t**3 * ends[3]
            canvas.line([tuple(point) for point in curve], fill=255, width=int(self.R.randint(1, 4)))

    def _generator(self, canvas: ImageDraw.ImageDraw, size: np.ndarray) -> None:
        centre, radius = self.R.uniform(0.1, 0.9, 2) * size, self.R.uniform(0.03, 0.08, 2) * size
        canvas.rounded_rectangle([*(centre - radius), *(centre + radius)], radius=float(radius.min()) * 0.8, fill=255)

    def _rims(self, canvas: ImageDraw.ImageDraw, size: np.ndarray) -> None:
        canvas.rectangle([0, 0, *size], fill=255)
        low, high = self.R.uniform(0, 0.08, 2) * size, (1 - self.R.uniform(0, 0.08, 2)) * size
        canvas.rectangle([*low, *high], fill=0)


def lay_objects(picture: torch.Tensor, objects: Sequence[torch.Tensor], rim: torch.Tensor | None) -> torch.Tensor:
    """Take a picture ``(C, H, W)`` towards its brightest by opacities ``(H, W)``, and towards its darkest by the rim."""
    low, high = float(picture.min()), float(picture.max())
    for opacity in objects:
        picture = picture + opacity * (high - picture)
    return picture if rim is None else picture + rim * (low - picture)
