"""Apply a 2D network to windows centred on the spinal cord."""

from collections.abc import Callable

import torch
from monai.inferers import Inferer

from ..networks.fusion import for_inference
from ..progress import tell_progress
from .cord_search import CordSearch
from .precision import autocast
from .window_batch import windows_at_once

OUTSIDE = -20.0  # logit of background: sigmoid gives 2e-9


class CordWindowInferer(Inferer):
    """Run a 2D network on one window a slice, centred on the cord wherever it lies.

    The windows of a volume are brought together to mean 0 and standard deviation 1. What a window needs beyond the
    border of the image repeats the border. Outside the windows the result is background.

    Args:
        search: finds the cord; without one the windows stay at the image's centre. Slices no larger than the
            window need no search.
        window: side of the square window in pixels.
        spacing: in-plane spacing of the volumes in mm.
        reach: radius in mm around the cord's centre beyond which the result is background; gray matter reaches 8.
        flip: whether to average the logits with those of the left-right mirrored window.
        precision: see `half_type`.
        window_batch: windows that the network sees at once, see `windows_at_once`.

    Shape:
        input ``(B, 1, X, Y, Z)``, output logits ``(B, classes, X, Y, Z)``.
    """

    def __init__(
        self,
        search: CordSearch | None = None,
        window: int = 112,
        spacing: float = 0.25,
        reach: float = 11.0,
        flip: bool = True,
        precision: str = "float32",
        window_batch: int | None = None,
    ) -> None:
        self.search, self.window, self.spacing, self.reach, self.flip = search, window, spacing, reach, flip
        self.precision, self.window_batch = precision, window_batch

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        with autocast(inputs.device, self.precision):
            fused = for_inference(network)
            return torch.stack([self._infer_volume(volume, fused, *args, **kwargs) for volume in inputs])

    def _infer_volume(self, volume: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        volume = volume.as_subclass(torch.Tensor)
        side = self.window
        corners = self.corners(volume[0], lambda window: network(window, *args, **kwargs))
        windows = torch.stack(
            [_window(slice_, corner, side) for slice_, corner in zip(volume.movedim(-1, 0), corners, strict=True)]
        )
        windows = (windows - windows.mean()) / windows.std().clamp_min(1e-6)
        offset = (torch.arange(side, device=windows.device) - (side - 1) / 2) * self.spacing
        beyond = offset[:, None] ** 2 + offset**2 > self.reach**2
        logits: torch.Tensor | None = None
        together, answers = windows_at_once(windows.device, self.window_batch), []
        for index, (x, y) in enumerate(corners):
            tell_progress(index, len(windows))
            if not index % together:
                answers = self._infer_windows(windows[index : index + together], network, *args, **kwargs)
            answer = answers[index % together].float().masked_fill(beyond, OUTSIDE)
            if logits is None:
                logits = answer.new_full((len(answer), *volume.shape[1:]), OUTSIDE)
            left, top = max(x, 0), max(y, 0)
            right, bottom = min(x + side, volume.shape[1]), min(y + side, volume.shape[2])
            logits[:, left:right, top:bottom, index] = answer[:, left - x : right - x, top - y : bottom - y]
        return logits

    def _infer_windows(self, windows: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        windows = windows.contiguous(memory_format=torch.channels_last)
        logits = network(windows, *args, **kwargs)
        if self.flip:
            logits = (logits + network(windows.flip(2), *args, **kwargs).flip(2)) / 2
        return logits

    def corners(self, volume: torch.Tensor, network: Callable[..., torch.Tensor]) -> list[tuple[int, int]]:
        """Return the window's first pixel on each slice of ``(X, Y, Z)``; it may lie outside the image."""
        middle = torch.tensor([(n - 1) / 2 for n in volume.shape[:2]])
        centres = middle.repeat(volume.shape[2], 1)
        if self.search is not None and max(volume.shape[:2]) > self.window:
            found = self.search(volume, network, self.spacing)
            larger = torch.tensor([n > self.window for n in volume.shape[:2]])
            centres = torch.where(larger, found, centres)
        return [tuple(int(c) for c in torch.floor(centre - self.window / 2 + 1)) for centre in centres]


def _window(slice_: torch.Tensor, corner: tuple[int, int], side: int) -> torch.Tensor:
    """Return a window of ``(C, X, Y)``; beyond the border it repeats the border."""
    steps = torch.arange(side, device=slice_.device)
    x, y = ((steps + first).clamp(0, size - 1) for first, size in zip(corner, slice_.shape[1:], strict=True))
    return slice_[:, x[:, None], y]
