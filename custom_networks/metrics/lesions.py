"""Scores of lesion maps, voxel by voxel and lesion by lesion."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

CONNECTIVITY = np.ones((3, 3, 3), bool)  # 26 neighbours
LEAST_VOLUME = 3.0  # mm3; smaller components are no lesions, neither of the reader nor of the network
LEAST_OVERLAP = 0.1  # of a lesion, to be found, or to be right
LEAST_OVERLAP_JOINED = 0.5  # of one that joins several of the reader's, or a blob over everything would find them all
SIZES = {"3-10": (3.0, 10.0), "10-100": (10.0, 100.0), "100+": (100.0, np.inf)}  # mm3


@dataclass(frozen=True)
class LesionScores:
    """Scores of one scan; nan where there is nothing to score.

    Attributes:
        dice: of the voxels, of all components whatever their size.
        true_positive_rate: share of the reader's lesions of which right ones of the network cover `LEAST_OVERLAP` or more.
        positive_predictive_value: share of the network's lesions that are right: of which `LEAST_OVERLAP` or more lie in the
            reader's, and `LEAST_OVERLAP_JOINED` or more where they join several of the reader's.
        f1: harmonic mean of the two; 1 where neither has a lesion, 0 where one of the two has none.
        volume_difference: |network - reader| / reader.
        by_size: for each of `SIZES` (by the volume of the lesion itself) number of the reader's lesions, of those found, and of
            the network's false ones.
    """

    dice: float
    true_positive_rate: float
    positive_predictive_value: float
    f1: float
    volume_difference: float
    by_size: dict[str, dict[str, int]] = field(default_factory=dict)


def find_lesions(mask: np.ndarray, voxel_volume: float, least_volume: float = LEAST_VOLUME) -> tuple[np.ndarray, np.ndarray]:
    """Label connected components (26 neighbours) of a mask and drop those below a volume.

    Args:
        mask: ``(X, Y, Z)``.
        voxel_volume: mm3.
        least_volume: mm3.

    Returns:
        components numbered from 1, int32, and their volumes in mm3 in that order.
    """
    components, count = ndimage.label(mask, CONNECTIVITY)
    volumes = np.bincount(components.ravel(), minlength=count + 1)[1:] * voxel_volume
    kept = volumes >= least_volume - 1e-6
    numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
    return numbers[components], volumes[kept]


def lesion_scores(pred: np.ndarray, truth: np.ndarray, voxel_volume: float, ignore: int = 2) -> LesionScores:
    """Score a lesion mask.

    Args:
        pred: mask ``(X, Y, Z)``.
        truth: 0 background, 1 lesion; voxels of ``ignore`` count neither for nor against.
        voxel_volume: mm3.
        ignore: label of other pathology.

    Returns:
        the scores. Lesions count by overlap, as touching by a voxel would let one blob over the brain find every lesion.

    Reference:
        Commowick et al.: Objective evaluation of multiple sclerosis lesion segmentation. Scientific Reports 8:13650, 2018.
    """
    ignored = truth == ignore
    pred, truth = np.asarray(pred, bool) & ~ignored, truth == 1
    both, total = np.count_nonzero(pred & truth), np.count_nonzero(pred) + np.count_nonzero(truth)
    ours, our_volumes = find_lesions(pred, voxel_volume)
    theirs, their_volumes = find_lesions(truth, voxel_volume)
    found, right = _matched(ours, theirs, truth)
    rate = float(found.mean()) if len(found) else float("nan")
    value = float(right.mean()) if len(right) else float("nan")
    volume = np.count_nonzero(truth)
    by_size = {}
    for name, (low, high) in SIZES.items():
        inside, outside = ((v >= low - 1e-6) & (v < high) for v in (their_volumes, our_volumes))
        by_size[name] = {"lesions": int(inside.sum()), "found": int(found[inside].sum()), "false": int((~right[outside]).sum())}
    return LesionScores(
        dice=2 * both / total if total else 1.0,
        true_positive_rate=rate,
        positive_predictive_value=value,
        f1=_f1(rate, value),
        volume_difference=abs(np.count_nonzero(pred) - volume) / volume if volume else float("nan"),
        by_size=by_size,
    )


def _matched(ours: np.ndarray, theirs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the reader's numbered lesions are found, and which of the network's are right."""
    our_sizes, their_sizes = (np.bincount(lesions.ravel())[1:] for lesions in (ours, theirs))
    inside = np.bincount(ours[truth], minlength=len(our_sizes) + 1)[1:]
    pairs = np.unique(np.stack([ours, theirs])[:, (ours > 0) & (theirs > 0)], axis=1)
    joined = np.bincount(pairs[0], minlength=len(our_sizes) + 1)[1:]
    right = inside >= np.where(joined > 1, LEAST_OVERLAP_JOINED, LEAST_OVERLAP) * our_sizes
    covered = np.bincount(theirs[np.append(False, right)[ours]], minlength=len(their_sizes) + 1)[1:]
    return covered >= LEAST_OVERLAP * their_sizes, right


def _f1(rate: float, value: float) -> float:
    if np.isnan(rate) and np.isnan(value):
        return 1.0
    if np.isnan(rate) or np.isnan(value) or rate + value == 0:
        return 0.0
    return 2 * rate * value / (rate + value)
