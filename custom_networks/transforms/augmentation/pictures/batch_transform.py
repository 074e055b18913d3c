"""What the batch transforms of intensities share."""

from abc import ABC, abstractmethod

import torch


class RandIntensity(ABC):
    """Change the intensities of some pictures of a batch; labels stay.

    Args:
        prob: share of the pictures that are changed.
    """

    def __init__(self, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must be in [0, 1], got {prob}.")
        self.prob = prob

    def __call__(self, image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        active = torch.rand(len(image), 1, 1, 1, device=image.device) < self.prob
        return torch.where(active, self.change(image, label), image), label

    @abstractmethod
    def change(self, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return all pictures ``(B, C, H, W)`` changed, each by numbers of its own."""


def draw(image: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Draw a number for each picture, ``(B, 1, 1, 1)``."""
    return low + (high - low) * torch.rand(len(image), 1, 1, 1, device=image.device)


def limits(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each picture's smallest value and its range, ``(B, 1, 1, 1)``; the range is above 0."""
    low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
    return low, (high - low).clamp_min(1e-6)
