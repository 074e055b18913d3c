"""Dice coefficients of label maps, and where data sets of phantoms keep theirs."""

from collections.abc import Iterable
from pathlib import Path

import nibabel
import numpy as np


def dice(mask: np.ndarray, truth: np.ndarray) -> float:
    """Return the Dice coefficient of two masks; 1 where both are empty."""
    both = np.count_nonzero(mask) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(mask & truth) / both if both else 1.0


def label_dice(first: np.ndarray, second: np.ndarray, labels: Iterable[int]) -> list[float]:
    """Return the Dice coefficient of two label maps for every label but 0."""
    return [dice(first == label, second == label) for label in labels if label]


def class_dice(mask: Path, truth: Path, classes: dict[str, str]) -> list[float]:
    """Return the Dice coefficient of every class but background of two label maps."""
    first, second = (np.asarray(nibabel.load(file).dataobj) for file in (mask, truth))
    return label_dice(first, second, map(int, classes))


def images_of(data: Path) -> list[Path]:
    """Return the images that ``tools phantom`` wrote."""
    return [path for path in sorted(data.glob("*.nii.gz")) if not path.name.endswith("_label.nii.gz")]


def label_of(data: Path, case: str) -> Path:
    """Return the label map of a case that ``tools phantom`` or ``tools prepare`` wrote."""
    return data / f"{case.rpartition('_')[0]}_label.nii.gz"
