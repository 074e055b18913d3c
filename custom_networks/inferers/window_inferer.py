"""Slide a network over images of any size."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from monai.inferers import Inferer, SliceInferer, SlidingWindowInferer

from ..progress import tell_progress
from .autocast_inferer import AutocastInferer
from .window_batch import windows_at_once


class WindowInferer(Inferer):
    """MONAI's sliding windows with Gaussian weights, under autocast; 2D networks take volumes slice by slice.

    Args:
        window: voxels of a window along each axis; two numbers for a 2D network, which sees slices across the third axis.
        overlap: share of a window that the next one covers again.
        precision: see `half_type`.
        window_batch: windows that the network sees at once, see `windows_at_once`.

    Shape:
        input ``(B, C, X, Y, Z)``, output of the same but for its channels, float32. Smaller images are filled up and cut again.
    """

    def __init__(
        self, window: Sequence[int], overlap: float = 0.5, precision: str = "auto", window_batch: int | None = None
    ) -> None:
        super().__init__()
        self.window, self.overlap, self.autocast = tuple(window), overlap, AutocastInferer(precision)
        self.window_batch = window_batch
        settings = {"roi_size": self.window, "overlap": overlap, "mode": "gaussian"}
        self.slide = SliceInferer(spatial_dim=2, **settings) if len(self.window) == 2 else SlidingWindowInferer(**settings)

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        total, done = self._count(inputs.shape), itertools.count(1)

        def predict(windows: torch.Tensor) -> torch.Tensor:
            answer = self.autocast(windows, network)
            for _ in windows:
                tell_progress(next(done), total)
            return answer

        self.slide.sw_batch_size = windows_at_once(inputs.device, self.window_batch)
        return self.slide(inputs, predict)

    def _count(self, shape: Sequence[int]) -> int:
        windows = (*self.window, *[1] * (len(shape) - 2 - len(self.window)))
        steps = [max(1, int(side * (1 - self.overlap))) if side > 1 else 1 for side in windows]
        return shape[0] * math.prod(
            math.ceil(max(0, size - side) / step) + 1 for size, side, step in zip(shape[2:], windows, steps, strict=True)
        )
