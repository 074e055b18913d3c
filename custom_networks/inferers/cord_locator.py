"""Find the spinal cord on every axial slice of a volume."""

import torch
from torch.nn import functional

from ..errors import UserError
from ..networks.cord_locator_net import CordLocatorNet

GRID = 1.0  # mm, the in-plane spacing that the network was trained on
CELL = 4  # pixels of the grid to a cell of the path search
MULTIPLE = 16  # the network halves four times


class CordLocator:
    """Return the centre of the cord on every slice of an axial volume.

    A small network marks the cord on slices of 1 mm. A shortest-path search over the slices then finds the one path
    from bottom to top that collects most of its evidence and moves at most two cells of 4 mm from slice to slice, so
    that a bright vessel on one slice does not attract it. The path is refined to the centre of gravity near it.

    Args:
        weights: state dict of `CordLocatorNet`.

    Raises:
        UserError: when the file is missing or does not fit the network.
    """

    def __init__(self, weights: str) -> None:
        self.network = CordLocatorNet().eval()
        try:
            self.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{weights}: not the weights of the cord locator ({reason}).", "Restore it from the bundle.") from error

    @torch.inference_mode()
    def __call__(self, volume: torch.Tensor, spacing: float) -> torch.Tensor:
        """Find the cord.

        Args:
            volume: intensities ``(X, Y, Z)``, axial slices with x from left to right and y from back to front.
            spacing: in-plane spacing in mm.

        Returns:
            centres ``(Z, 2)`` in pixels of ``volume``.
        """
        evidence = self.evidence(volume, spacing)
        path = shortest_path(evidence)
        centres = torch.stack([_refine(slice_, cell) for slice_, cell in zip(evidence, path, strict=True)])
        scale = torch.tensor(volume.shape[:2], dtype=torch.float32) / _coarse_size(volume, spacing)
        return (centres + 0.5) * scale - 0.5

    @torch.inference_mode()
    def evidence(self, volume: torch.Tensor, spacing: float) -> torch.Tensor:
        """Return the probability of cord ``(Z, X', Y')`` on a grid of 1 mm."""
        slices = volume.detach().cpu().as_subclass(torch.Tensor).float().permute(2, 0, 1)[:, None]
        size = _coarse_size(volume, spacing)
        slices = functional.interpolate(slices, size=size.tolist(), mode="area")
        slices = normalize_percentiles(slices)
        pad = [(-int(n)) % MULTIPLE for n in size]
        padded = functional.pad(slices, (0, pad[1], 0, pad[0]), mode="replicate")
        logits = torch.cat([self.network(slice_[None]) for slice_ in padded])
        return torch.sigmoid(logits)[:, 0, : slices.shape[2], : slices.shape[3]]


def normalize_percentiles(slices: torch.Tensor) -> torch.Tensor:
    """Map the 1st and 99th percentile of all values to 0 and 1, clip, and centre on 0."""
    values = slices.flatten()
    values = values[:: max(1, len(values) // 1_000_000)]
    low, high = torch.quantile(values, 0.01), torch.quantile(values, 0.99)
    return ((slices - low) / (high - low).clamp_min(1e-6)).clamp(0, 1) * 2 - 1


def shortest_path(evidence: torch.Tensor) -> torch.Tensor:
    """Find the path through the slices that collects most evidence.

    Args:
        evidence: probabilities ``(Z, X, Y)``.

    Returns:
        cells ``(Z, 2)`` of `CELL` pixels, at most two cells apart on neighbouring slices.
    """
    score = functional.avg_pool2d(evidence[:, None], CELL, ceil_mode=True, count_include_pad=False)[:, 0]
    total, origins = score[0], []
    for slice_score in score[1:]:
        best, origin = functional.max_pool2d(total[None, None], 5, stride=1, padding=2, return_indices=True)
        origins.append(origin[0, 0].flatten())
        total = best[0, 0] + slice_score
    cell = int(total.argmax())
    path = [cell]
    for origin in reversed(origins):
        cell = int(origin[cell])
        path.append(cell)
    flat = torch.tensor(path[::-1])
    return torch.stack((flat // score.shape[2], flat % score.shape[2]), dim=1)


def _coarse_size(volume: torch.Tensor, spacing: float) -> torch.Tensor:
    return torch.tensor([max(1, round(n * spacing / GRID)) for n in volume.shape[:2]])


def _refine(slice_: torch.Tensor, cell: torch.Tensor, radius: float = 8.0) -> torch.Tensor:
    """Return the evidence's centre of gravity within ``radius`` pixels of a cell's centre, or that centre."""
    start = cell.float() * CELL + (CELL - 1) / 2
    x, y = torch.meshgrid(torch.arange(slice_.shape[0]), torch.arange(slice_.shape[1]), indexing="ij")
    near = ((x - start[0]) ** 2 + (y - start[1]) ** 2) <= radius**2
    weight = torch.where(near & (slice_ > 0.2), slice_, 0.0)
    if float(weight.sum()) < 5.0:  # less than 5 mm2 of cord: nothing to refine with
        return start
    return torch.stack(((weight * x).sum(), (weight * y).sum())) / weight.sum()
