"""Slide a 3D network over the brain and nothing else."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from monai.inferers import Inferer, sliding_window_inference
from monai.transforms.utils import generate_spatial_bounding_box

from ..progress import tell_progress
from .autocast_inferer import AutocastInferer
from .window_batch import windows_at_once

BACKGROUND = 10.0  # logit of background and, negative, of every other class where there is no brain


class BrainWindowInferer(Inferer):
    """MONAI's sliding windows within the box of the brain, without windows that hold none of it.

    Outside the brain images are 0 in all channels; there the answer is background.

    Args:
        window: side of the cubic windows in voxels.
        overlap: share of a window that the next one covers again.
        mode: ``"gaussian"`` or ``"constant"`` weights where windows overlap.
        flips: spatial axes; the answer is averaged with those to the image flipped along each.
        precision: see `half_type`.
        window_batch: windows that the network sees at once, see `windows_at_once`.
        skip_empty: False runs every window of the whole image, to measure what skipping saves.

    Shape:
        input ``(B, C, X, Y, Z)``, output logits ``(B, classes, X, Y, Z)`` in float32.
    """

    def __init__(
        self,
        window: int = 64,
        overlap: float = 0.25,
        mode: str = "gaussian",
        flips: Sequence[int] = (),
        precision: str = "auto",
        window_batch: int | None = None,
        skip_empty: bool = True,
    ) -> None:
        super().__init__()
        self.window, self.overlap, self.mode, self.flips = window, overlap, mode, tuple(flips)
        self.autocast, self.window_batch, self.skip_empty = AutocastInferer(precision), window_batch, skip_empty

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        return torch.cat([self._infer(torch.as_tensor(image)[None], network) for image in inputs])

    def _infer(self, image: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        box = [slice(None)] * 5
        if self.skip_empty:
            start, end = generate_spatial_bounding_box(image[0], lambda values: values != 0, allow_smaller=True)
            box[2:] = [slice(low, high) for low, high in zip(start, end, strict=True)]
        brain = image[tuple(box)]
        stride = self.window * (1 - self.overlap)
        total = math.prod(math.ceil(max(0, size - self.window) / stride) + 1 for size in brain.shape[2:])
        done = itertools.count(1)
        classes = None  # as many as the network's first answer has

        def predict(windows: torch.Tensor) -> torch.Tensor:
            nonlocal classes
            for _ in windows:
                tell_progress(next(done), total)
            filled = (windows != 0).flatten(1).any(1)
            if classes is None or not self.skip_empty or filled.all():
                answer = self._run(windows, network)
                classes = answer.shape[1]
                return answer
            full = _background(len(windows), classes, windows.shape[2:], windows)
            if filled.any():
                full[filled] = self._run(windows[filled], network)
            return full

        together = windows_at_once(image.device, self.window_batch)
        logits = sliding_window_inference(brain, self.window, together, predict, overlap=self.overlap, mode=self.mode)
        whole = _background(1, logits.shape[1], image.shape[2:], image)
        whole[tuple(box)] = logits
        return torch.where((image != 0).any(1, keepdim=True), whole, _background(1, logits.shape[1], (1, 1, 1), image))

    def _run(self, windows: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        total = self.autocast(windows, network)
        for axis in self.flips:
            total = total + torch.flip(self.autocast(torch.flip(windows, [axis + 2]), network), [axis + 2])
        return total / (1 + len(self.flips))


def _background(count: int, classes: int, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    logits = torch.full((count, classes, *shape), -BACKGROUND, device=like.device)
    logits[:, 0] = BACKGROUND
    return logits
