"""Label maps of muscles that are boxes."""

from pathlib import Path

import nibabel
import numpy as np

# Right muscles in mm: from the midline outwards, and from where the multifidus ends in front forwards; values of MuscleMap.
BOXES = {1: ((2, 22), (-30, 0)), 3: ((22, 60), (-30, 0)), 5: ((30, 56), (20, 50)), 7: ((60, 80), (0, 12))}
RIGHT_TO_LEFT = {1: 2, 3: 4, 5: 6, 7: 8}


def write_map(path: Path, left_posterior: bool = False, without: tuple[int, ...] = ()) -> Path:
    """Write a label map of boxes, pixels of 2x1 mm, slices of 4 mm, RAS or LPS."""
    labels = np.zeros((100, 140, 2), np.uint8)
    for value, ((x0, x1), (y0, y1)) in BOXES.items():
        rows = slice(80 + y0, 80 + y1)
        labels[50 + x0 // 2 : 50 + x1 // 2, rows] = value
        labels[50 - x1 // 2 : 50 - x0 // 2, rows] = RIGHT_TO_LEFT[value]
    labels[np.isin(labels, without)] = 0
    if left_posterior:
        labels = labels[::-1, ::-1]
    sign = -1.0 if left_posterior else 1.0
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([2 * sign, sign, 4.0, 1.0])), path)
    return path
