"""Shapes of real lesions, to transplant."""

import logging
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from ..metrics.lesions import CONNECTIVITY

logger = logging.getLogger("axial")
LEAST_VOXELS = 5


def load_lesion_shapes(folder: str | Path) -> list[np.ndarray]:
    """Cut every connected component out of the lesion masks of a folder.

    Args:
        folder: holds ``*.nii.gz`` masks of about 1 mm spacing; may be missing.

    Returns:
        boolean arrays, each the box of a component of at least `LEAST_VOXELS`; empty where there is no mask.
    """
    shapes = []
    for path in sorted(Path(folder).glob("*.nii.gz")):
        components, _ = ndimage.label(np.asarray(nibabel.load(path).dataobj) > 0, CONNECTIVITY)
        for number, box in enumerate(ndimage.find_objects(components), 1):
            shape = components[box] == number
            if np.count_nonzero(shape) >= LEAST_VOXELS:
                shapes.append(shape)
    logger.info("%s: %d shapes of lesions to transplant.", folder, len(shapes))
    return shapes
