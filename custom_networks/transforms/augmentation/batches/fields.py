"""Smooth random fields, blur, and numbers for each item of a batch."""

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
