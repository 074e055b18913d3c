"""Tell roughly where the spinal cord lies, from slices at 1 mm."""

from pathlib import Path

import torch

from ..networks.fusion import for_inference
from ..networks.helper_weights import load_helper


class CordLocalisation:
    """A small network that tells cord from all else on whole slices.

    Args:
        network: gives logits ``(B, 1, X, Y)`` of slices that have mean 0 and standard deviation 1, such as `CordLocaliser`.
        path: its weights, a raw state dict; read when they are first needed.
    """

    def __init__(self, network: torch.nn.Module, path: str | Path) -> None:
        self.network, self.path, self._loaded = network, Path(path), False

    def __call__(self, slices: torch.Tensor) -> torch.Tensor:
        """Return the probability of cord on slices ``(B, 1, X, Y)`` with pixels of 1 mm."""
        if not self._loaded:
            self.network, self._loaded = load_helper(self.network, self.path), True
        deviation, mean = torch.std_mean(slices, dim=(2, 3), keepdim=True)
        return torch.sigmoid(for_inference(self.network.to(slices.device))((slices - mean) / deviation.clamp_min(1e-6)).float())
