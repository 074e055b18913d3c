"""Find the spinal cord on the axial slices of a volume with the gray-matter network itself."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch.nn import functional

from .cord_localisation import CordLocalisation

GRID = 1.0  # mm, pixels of the evidence
CELL = 4  # pixels of the grid to a cell of the path search
EXTENT = 12  # pixels of the grid, about the width of the gray matter
RADIUS = 8.0  # pixels of the grid around a cell in which the centre is refined
FAINTEST = 0.1  # share of the slice's standard deviation below which a window holds no tissue
PRESENT = 0.1  # probability from which a pixel of the grid counts as gray matter
NEAR = 14.0  # mm around a place that was told in which the network looks
LEAST = 3.0  # mm2 of gray matter there, on the median slice, without which the whole field is searched
SURE = 6.0  # mm2 of gray matter that a search of the whole field must find to be believed then
FAINT = 2.0  # mm2 of gray matter on a slice below which there is no centre of gravity
FEW = 4  # windows of a slice that are all searched


class CordSearch:
    """Return the centre of the cord on every slice, wherever it lies in the field of view.

    The network slides over some slices, evenly spread, and its probabilities are summed over the extent of a cord's
    gray matter. A shortest-path search then finds the one path from slice to slice that collects most, and is
    refined to the centre of gravity near it: a stray response on one slice does not attract it. Slices in between
    are interpolated.

    Where a localisation tells the cord's place roughly, only the windows around it run, and near it they answer what they would
    in a search of everything. Everything is searched where hardly any gray matter shows there, and the place that was told stands
    where that finds hardly any either, which half of the slices tell.

    Args:
        window: side of the sliding window in pixels.
        overlap: share of a window that neighbours share, in [0, 1).
        most_slices: number of slices that are searched at most.
        localisation: tells the cord's place in large fields of view; without it every window runs.
    """

    def __init__(
        self,
        window: int = 112,
        overlap: float = 0.25,
        most_slices: int = 8,
        localisation: CordLocalisation | None = None,
    ) -> None:
        self.window, self.overlap, self.most_slices, self.localisation = window, overlap, most_slices, localisation

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
        slices = volume[..., searched].movedim(2, 0)
        reach = 2 * int(np.diff(searched).max()) if len(searched) > 1 else 2
        centres, found = self._near(slices, network, spacing, reach) if self._is_large(volume) else (None, 0.0)
        if found < LEAST:
            evidence = self._everywhere(slices, network, spacing, 0.0 if centres is None else SURE)
            if evidence is not None:
                anywhere = path_centres(evidence, reach)
                if centres is None or _gray_matter(evidence, anywhere) >= SURE:
                    centres = anywhere
        scale = torch.tensor(volume.shape[:2]) / torch.tensor(_grid(volume.shape[:2], spacing))
        centres = ((centres + 0.5) * scale - 0.5).numpy()
        return torch.from_numpy(np.stack([np.interp(np.arange(depth), searched, axis) for axis in centres.T], axis=1))

    def _is_large(self, volume: torch.Tensor) -> bool:
        """Tell whether the cord is to be localised: a slice has more than a few windows."""
        if self.localisation is None:
            return False
        step = self.window * (1 - self.overlap)
        return math.prod(math.ceil(max(n - self.window, 0) / step) + 1 for n in volume.shape[:2]) > FEW

    def _near(
        self, slices: torch.Tensor, network: Callable[..., torch.Tensor], spacing: float, reach: int
    ) -> tuple[torch.Tensor, float]:
        """Return centres ``(Z, 2)`` on the grid near what the localisation tells, and the gray matter there in mm2."""
        size = _grid(slices.shape[1:], spacing)
        small = functional.interpolate(slices[:, None], size=size, mode="area")
        places = path_centres(self.localisation(small)[:, 0].float().cpu(), reach)
        evidence = torch.stack(
            [
                self._evidence(slice_, network, spacing, _disc(size, place, NEAR))
                for slice_, place in zip(slices, places, strict=True)
            ]
        )
        shown = _shown(evidence).sum((1, 2)) >= FAINT
        centres = torch.where(shown[:, None], path_centres(evidence, reach), places)
        return centres, _gray_matter(evidence, centres)

    def _everywhere(
        self, slices: torch.Tensor, network: Callable[..., torch.Tensor], spacing: float, least: float
    ) -> torch.Tensor | None:
        """Return the evidence on whole slices; None as soon as so many hold less gray matter (mm2) that their median does."""
        evidence, poor = [], 0
        for slice_ in slices:
            evidence.append(self._evidence(slice_, network, spacing))
            poor += float(_shown(evidence[-1]).sum()) < least
            if poor > (len(slices) - 1) // 2:
                return None
        return torch.stack(evidence)

    def _evidence(
        self, slice_: torch.Tensor, network: Callable[..., torch.Tensor], spacing: float, near: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the probability of gray matter on a grid of 1 mm, 0 outside the mask ``near`` of that grid."""
        faintest = float(slice_.std()) * FAINTEST + 1e-6
        size = _grid(slice_.shape, spacing)
        wanted = torch.ones(size, device=slice_.device) if near is None else near.to(slice_)
        pixels = functional.interpolate(wanted[None, None], size=slice_.shape, mode="nearest-exact")
        box = self._box(pixels[0, 0] > 0)

        def foreground(windows: torch.Tensor) -> torch.Tensor:
            window, asked = windows.split(1, dim=1)
            if not asked.any():
                return torch.zeros_like(window)
            deviation = window.std().clamp_min(faintest)
            logits = network(((window - window.mean()) / deviation).contiguous(memory_format=torch.channels_last)).float()
            return torch.sigmoid(logits) if logits.shape[1] == 1 else 1 - torch.softmax(logits, dim=1)[:, :1]

        roi = (self.window, self.window)
        both = torch.cat((slice_[None, None], pixels), dim=1)[(..., *box)]
        found = torch.zeros_like(pixels)
        found[(..., *box)] = sliding_window_inference(both, roi, 1, foreground, overlap=self.overlap, padding_mode="replicate")
        return (functional.interpolate(found, size=size, mode="area")[0, 0] * wanted).cpu()

    def _box(self, asked: torch.Tensor) -> tuple[slice, ...]:
        """Return the part of a slice that the windows cover which see something asked; in it windows lie as in all of the slice."""
        step, box = max(1, int(self.window * (1 - self.overlap))), []
        for axis, size in enumerate(asked.shape):
            where = asked.any(1 - axis).nonzero()
            last = max(size - self.window, 0)
            starts = torch.arange(0, last + step, step).clamp_max(last)
            seeing = starts[(starts <= int(where.max())) & (starts + self.window > int(where.min()))]
            box.append(slice(int(seeing.min()), int(seeing.max()) + self.window))
        return tuple(box)


def _grid(shape: Sequence[int], spacing: float) -> list[int]:
    """Return the pixels of the grid of evidence that a slice has along its axes."""
    return [max(1, round(n * spacing / GRID)) for n in shape]


def _disc(size: Sequence[int], centre: torch.Tensor, radius: float) -> torch.Tensor:
    x, y = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2


def _gray_matter(evidence: torch.Tensor, centres: torch.Tensor) -> float:
    """Return the gray matter around the centres in mm2, that of the median slice."""
    near = torch.stack([_disc(evidence.shape[1:], centre, RADIUS) for centre in centres])
    return float((_shown(evidence) * near).sum((1, 2)).median())


def _shown(evidence: torch.Tensor) -> torch.Tensor:
    """Return the evidence, 0 where there is too little to count."""
    return torch.where(evidence > PRESENT, evidence, 0.0)


def path_centres(evidence: torch.Tensor, reach: int = 2) -> torch.Tensor:
    """Return the centres ``(Z, 2)`` of what lies on the best path through the evidence ``(Z, X, Y)``, see `shortest_path`."""
    path = shortest_path(evidence, reach)
    return torch.stack([_refine(slice_, cell) for slice_, cell in zip(evidence, path, strict=True)])


def shortest_path(evidence: torch.Tensor, reach: int = 2) -> torch.Tensor:
    """Find the path through the slices that collects most evidence.

    Args:
        evidence: probabilities ``(Z, X, Y)``.
        reach: cells that the path may move between neighbouring slices, along each axis.

    Returns:
        cells ``(Z, 2)``, of `CELL` pixels each.
    """
    score = functional.avg_pool2d(evidence[:, None], (EXTENT + 1, 1), stride=1, padding=(EXTENT // 2, 0))
    score = functional.avg_pool2d(score, (1, EXTENT + 1), stride=1, padding=(0, EXTENT // 2))
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
    weight = torch.where(_disc(slice_.shape, start, RADIUS) & (slice_ > PRESENT), slice_, 0.0)
    if float(weight.sum()) < FAINT:
        return start
    return torch.stack(((weight * x).sum(), (weight * y).sum())) / weight.sum()
