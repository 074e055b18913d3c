"""Smooth random fields, blur, and numbers for each item of a batch."""

from abc import abstractmethod
from functools import lru_cache

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from torch.nn.functional import interpolate

from ....data.patch_batches import sent


class BatchTransform(RandomizableTransform):
    """What is drawn for each item of a batch: whether it is changed at all, and by how much.

    Args:
        prob: probability that an item is changed.
    """

    def chosen(self, batch: dict) -> np.ndarray:
        """Return the numbers of the items to change; `sent` makes an index of them that no device waits for."""
        return np.flatnonzero(self.R.random(len(batch["image"])) < self.prob)

    def uniform(self, limits: tuple[float, float], like: torch.Tensor, channels: int = 1) -> torch.Tensor:
        """Draw a number for each item, ``(B, channels, 1, 1, 1)``."""
        drawn = self.R.uniform(*limits, (len(like), channels, 1, 1, 1))
        return sent(drawn.astype(np.float32), like.device)


class BatchIntensity(BatchTransform):
    """Change the image of the chosen items; what else the batch holds stays."""

    def __call__(self, batch: dict) -> dict:
        items = self.chosen(batch)
        if not len(items):
            return batch
        image, items = batch["image"].clone(), sent(items, batch["image"].device)
        image[items] = self.change({key: batch[key][items] for key in ("image", "label", "brain") if key in batch})
        return batch | {"image": image}

    @abstractmethod
    def change(self, part: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the changed image ``(B, C, X, Y, Z)`` of a part of a batch, which the image in it may be overwritten by."""


def smooth_field(like: torch.Tensor, points: int, channels: int = 1) -> torch.Tensor:
    """Return normal noise between ``points`` control points an axis, interpolated, ``(B, channels, X, Y, Z)``."""
    noise = torch.randn(len(like), channels, *[points] * 3, device=like.device)
    return interpolate(noise, like.shape[2:], mode="trilinear", align_corners=True)


def blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur ``(B, C, X, Y, Z)`` along all axes by a normal distribution, repeating the borders.

    Each axis is one product with a matrix: a GPU then starts three kernels in place of dozens.
    """
    along_x, along_y, along_z = (sent(blur_matrix(size, sigma), image.device) for size in image.shape[2:])
    image = (along_x @ image.flatten(3)).reshape(image.shape)
    return along_y @ image @ along_z.T


@lru_cache(maxsize=64)
def blur_matrix(size: int, sigma: float) -> np.ndarray:
    """Return what `blur` multiplies an axis by, ``(size, size)``, float32."""
    radius = max(1, int(2.5 * sigma + 0.5))
    steps = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    matrix = np.zeros((size, size), np.float32)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        np.add.at(matrix, (np.arange(size), np.clip(np.arange(size) + step, 0, size - 1)), weight)
    return matrix
