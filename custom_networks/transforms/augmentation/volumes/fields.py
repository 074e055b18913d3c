"""Smooth random fields, blur, and numbers for each item of a batch."""

from abc import abstractmethod

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from torch.nn.functional import interpolate


class BatchTransform(RandomizableTransform):
    """What is drawn for each item of a batch: whether it is changed at all, and by how much.

    Args:
        prob: probability that an item is changed.
    """

    def chosen(self, batch: dict) -> np.ndarray:
        """Return the numbers of the items to change."""
        return np.flatnonzero(self.R.random(len(batch["image"])) < self.prob)

    def uniform(self, limits: tuple[float, float], like: torch.Tensor, channels: int = 1) -> torch.Tensor:
        """Draw a number for each item, ``(B, channels, 1, 1, 1)``."""
        drawn = self.R.uniform(*limits, (len(like), channels, 1, 1, 1))
        return torch.tensor(drawn, dtype=torch.float32, device=like.device)


class BatchIntensity(BatchTransform):
    """Change the image of the chosen items; what else the batch holds stays."""

    def __call__(self, batch: dict) -> dict:
        items = self.chosen(batch)
        if not len(items):
            return batch
        image = batch["image"].clone()
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
    """Blur ``(B, C, X, Y, Z)`` along all axes by a normal distribution, repeating the borders."""
    radius = max(1, int(2.5 * sigma + 0.5))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (2, 3, 4):
        size = image.shape[axis]
        index = torch.arange(size, device=image.device)
        image = sum(
            float(weight) * image.index_select(axis, (index + step).clamp(0, size - 1))
            for weight, step in zip(weights, range(-radius, radius + 1), strict=True)
        )
    return image
