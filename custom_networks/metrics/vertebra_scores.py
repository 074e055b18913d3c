"""Compare instances of vertebrae with the truth, one by one."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance

from ..geometry.regions import box_of, grown, touches_border
from ..vertebrae.names import VERTEBRAE, level_of

LEAST = 1000.0  # mm3; smaller slivers of the truth are not asked for
REMNANT = 0.2  # of a neighbour's volume, below which none of the body is left: arch and processes beyond it are 0.02 to 0.16
OVERLAP = 0.1  # IoU from which on a predicted instance counts as found in the truth, rather than invented


@dataclass(frozen=True)
class VertebraMatch:
    """One vertebra of the truth (``truth`` 0: an invented one) and the predicted instance that overlaps it most (0: missed).

    ``iou`` and ``dice`` lie in [0, 1]; ``assd`` is the average symmetric surface distance in mm, NaN where missed or invented.
    ``cut`` tells that the vertebra touches the border of the scan.
    """

    truth: int
    predicted: int
    iou: float
    dice: float
    assd: float
    cut: bool

    @property
    def identified(self) -> bool:
        """Whether it was found as an instance of its own (IoU 0.5) with the right number."""
        return self.truth == self.predicted and self.iou >= 0.5


def match_vertebrae(
    predicted: np.ndarray,
    truth: np.ndarray,
    spacing: tuple[float, float, float],
    least: float = LEAST,
    left_out: Collection[int] = (),
) -> list[VertebraMatch]:
    """Match label maps of equal shape ``(X, Y, Z)``; every predicted instance serves one vertebra at most, best overlaps first.

    Sacrum and coccyx are no vertebrae and count on neither side.

    Args:
        predicted: label map.
        truth: label map.
        spacing: of the voxels in mm.
        least: vertebrae of the truth that are smaller, in mm3, are left out, and so are predictions that match them.
        left_out: vertebrae that are left out like those, whatever their size, such as `remnants`.

    Returns:
        one match a vertebra of the truth, then one for every invented instance.
    """
    predicted, truth = (np.where(np.isin(labels, VERTEBRAE), labels, 0) for labels in (predicted, truth))
    voxel = float(np.prod(spacing))
    table = np.zeros((256, 256), np.int64)
    np.add.at(table, (truth.ravel(), predicted.ravel()), 1)
    sizes, predicted_sizes = table.sum(1), table.sum(0)
    pairs = []
    for t, p in zip(*np.nonzero(table[1:, 1:]), strict=True):
        both = table[t + 1, p + 1]
        pairs.append((both / (sizes[t + 1] + predicted_sizes[p + 1] - both), bool(t == p), int(t) + 1, int(p) + 1))
    partner: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for iou, _, t, p in sorted(pairs, reverse=True):  # of equal overlaps that with the right number
        if t not in partner and p not in used and iou >= OVERLAP:
            partner[t] = (p, float(iou))
            used.add(p)
    matches = []
    for t in (int(code) for code in np.flatnonzero(sizes) if code):
        if sizes[t] * voxel < least or t in left_out:
            continue
        p, iou = partner.get(t, (0, 0.0))
        cut = touches_border(box_of(truth == t), truth.shape)
        distance = surface_distance(predicted == p, truth == t, spacing) if p else float("nan")
        matches.append(VertebraMatch(t, p, iou, 2 * iou / (1 + iou), distance, cut))
    for p in (int(code) for code in np.flatnonzero(predicted_sizes) if code):
        inside_small = table[1:, p].sum() * 2 > predicted_sizes[p]
        if p not in used and not inside_small:
            matches.append(VertebraMatch(0, p, 0.0, 0.0, float("nan"), False))
    return matches


def remnants(truth: np.ndarray) -> set[int]:
    """Return the vertebrae of a label map ``(X, Y, Z)`` of which the lower or upper border leaves nothing of the body.

    They touch that border and have less than `REMNANT` of the volume of the largest of the two vertebrae above and the two below.
    """
    sizes = np.bincount(truth.ravel(), minlength=256)
    present = sorted((int(code) for code in VERTEBRAE if sizes[code]), key=level_of)
    cut = set(np.unique(truth[..., [0, -1]]).tolist())
    found = set()
    for place, code in enumerate(present):
        near = present[max(0, place - 2) : place] + present[place + 1 : place + 3]
        if code in cut and near and sizes[code] < REMNANT * max(sizes[other] for other in near):
            found.add(code)
    return found


def surface_distance(predicted: np.ndarray, truth: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return the average symmetric surface distance in mm, by MONAI, in the crop that holds both masks."""
    box = grown(box_of(predicted | truth), 1, truth.shape)
    pair = [torch.from_numpy(mask[box].astype(np.uint8))[None, None] for mask in (predicted, truth)]
    return float(
        compute_average_surface_distance(*pair, include_background=True, symmetric=True, spacing=[float(s) for s in spacing])
    )
