"""Find the spinal cord on the axial slices of a volume with the gray-matter network itself."""

from collections.abc import Callable

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch.nn import functional

GRID = 1.0  # mm, pixels of the evidence
CELL = 4  # pixels of the grid to a cell of the path search
EXTENT = 12  # pixels of the grid, about the width of the gray matter
RADIUS = 8.0  # pixels of the grid around a cell in which the centre is refined
FAINTEST = 0.1  # share of the slice's standard deviation below which a window holds no tissue


class CordSearch:
    """Return the centre of the cord on every slice, wherever it lies in the field of view.

    The network slides over some slices, evenly spread, and its probabilities are summed over the extent of a cord's
    gray matter. A shortest-path search then finds the one path from slice to slice that collects most, and is
    refined to the centre of gravity near it: a stray response on one slice does not attract it. Slices in between
    are interpolated.

    Args:
        window: side of the sliding window in pixels.
        overlap: share of a window that neighbours share, in [0, 1).
        most_slices: number of slices that are searched at most.
    """

    def __init__(self, window: int = 112, overlap: float = 0.25, most_slices: int = 8) -> None:
        self.window, self.overlap, self.most_slices = window, overlap, most_slices

    def __call__(self, volume: torch.Tensor, network: Callable[..., torch.Tensor], spacing: float) -> torch.Tensor:
        """Find the cord.

        Args:
            volume: intensities ``(X, Y, Z)`` of axial slices.
            network: gives logits ``(B, classes, H, W)`` of normalised windows.
            spacing: in-plane spacing in mm.

        Returns:
            centres ``(Z, 2)`` in pixels.
        """
        depth = volume.shape[2]
        searched = np.unique(np.linspace(0, depth - 1, min(depth, self.most_slices)).round().astype(int))
        evidence = torch.stack([self._evidence(volume[..., z], network, spacing) for z in searched])
        gap = int(np.diff(searched).max()) if len(searched) > 1 else 1
        path = shortest_path(evidence, reach=2 * gap)
        centres = torch.stack([_refine(slice_, cell) for slice_, cell in zip(evidence, path, strict=True)])
        scale = torch.tensor(volume.shape[:2]) / torch.tensor(evidence.shape[1:])
        centres = ((centres + 0.5) * scale - 0.5).numpy()
        return torch.from_numpy(np.stack([np.interp(np.arange(depth), searched, axis) for axis in centres.T], axis=1))

    def _evidence(self, slice_: torch.Tensor, network: Callable[..., torch.Tensor], spacing: float) -> torch.Tensor:
        """Return the probability of gray matter on a grid of 1 mm."""
        faintest = float(slice_.std()) * FAINTEST + 1e-6

        def foreground(window: torch.Tensor) -> torch.Tensor:
            deviation = window.std().clamp_min(faintest)
            logits = network(((window - window.mean()) / deviation).contiguous(memory_format=torch.channels_last)).float()
            return torch.sigmoid(logits) if logits.shape[1] == 1 else 1 - torch.softmax(logits, dim=1)[:, :1]

        roi = (self.window, self.window)
        found = sliding_window_inference(slice_[None, None], roi, 1, foreground, overlap=self.overlap, padding_mode="replicate")
        size = [max(1, round(n * spacing / GRID)) for n in slice_.shape]
        return functional.interpolate(found, size=size, mode="area")[0, 0].cpu()


def shortest_path(evidence: torch.Tensor, reach: int = 2) -> torch.Tensor:
    """Find the path through the slices that collects most evidence.

    Args:
        evidence: probabilities ``(Z, X, Y)``.
        reach: cells that the path may move between neighbouring slices, along each axis.

    Returns:
        cells ``(Z, 2)``, of `CELL` pixels each.
    """
    score = functional.avg_pool2d(evidence[:, None], EXTENT + 1, stride=1, padding=EXTENT // 2)
    score = functional.avg_pool2d(score, CELL, ceil_mode=True, count_include_pad=False)[:, 0]
    total, origins = score[0], []
    for slice_score in score[1:]:
        best, origin = functional.max_pool2d(total[None, None], 2 * reach + 1, stride=1, padding=reach, return_indices=True)
        origins.append(origin[0, 0].flatten())
        total = best[0, 0] + slice_score
    cell = int(total.argmax())
    path = [cell]
    for origin in reversed(origins):
        cell = int(origin[cell])
        path.append(cell)
    flat = torch.tensor(path[::-1])
    return torch.stack((flat // score.shape[2], flat % score.shape[2]), dim=1)


def _refine(slice_: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
    """Return the evidence's centre of gravity around a cell, or the cell's centre where there is hardly any."""
    start = cell.float() * CELL + (CELL - 1) / 2
    x, y = torch.meshgrid(torch.arange(slice_.shape[0]), torch.arange(slice_.shape[1]), indexing="ij")
    near = ((x - start[0]) ** 2 + (y - start[1]) ** 2) <= RADIUS**2
    weight = torch.where(near & (slice_ > 0.1), slice_, 0.0)
    if float(weight.sum()) < 2.0:  # mm2 of gray matter
        return start
    return torch.stack(((weight * x).sum(), (weight * y).sum())) / weight.sum()
