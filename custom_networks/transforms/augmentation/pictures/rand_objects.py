"""Markers, wires and rims on a batch of radiographs."""

from collections.abc import Sequence

import torch
from torch.nn.functional import interpolate

from ..rand_film_objects import RandFilmObjectsd
from .batch_transform import RandIntensity, limits


class RandObjects(RandIntensity):
    """Lay drawings of `RandFilmObjectsd` over pictures, turned round at random. They are drawn once, before training.

    Args:
        size: pixels of a drawing's sides; it is scaled to pictures of another size.
        drawings: how many there are to choose from.
        seed: of the drawings.
        prob: see `RandIntensity`.
    """

    def __init__(self, size: Sequence[int] = (256, 256), drawings: int = 200, seed: int = 0, prob: float = 0.4) -> None:
        super().__init__(prob)
        draw = RandFilmObjectsd("image", prob=1.0)
        draw.set_random_state(seed)
        gray = torch.full((1, *size), 0.5)
        gray[0, 0, 0], gray[0, 0, 1] = 0.0, 1.0  # what the darkest and the brightest value of a picture are
        self.drawings = torch.stack([draw({"image": gray.clone()})["image"] for _ in range(drawings)])

    def change(self, image, label):
        self.drawings = self.drawings.to(image.device)
        chosen = self.drawings[torch.randint(len(self.drawings), (len(image),), device=image.device)]
        for axis in (2, 3):
            turned = torch.rand(len(image), 1, 1, 1, device=image.device) < 0.5
            chosen = torch.where(turned, chosen.flip(axis), chosen)
        if chosen.shape[2:] != image.shape[2:]:
            chosen = interpolate(chosen, image.shape[2:], mode="bilinear")
        low, extent = limits(image)
        brighter, darker = (2 * chosen - 1).clamp_min(0), (1 - 2 * chosen).clamp_min(0)
        return image + brighter * (low + extent - image) + darker * (low - image)
