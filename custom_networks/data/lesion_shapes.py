"""Shapes and places of real lesions, to transplant."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from nibabel.affines import from_matvec
from scipy import ndimage

from ..cases.tree import visible
from ..errors import UserError
from ..geometry.regions import box_of
from ..metrics.lesions import CONNECTIVITY

logger = logging.getLogger("axial")
LEAST_VOXELS = 5
SMOOTHING = 1.0  # voxels; smoothed masks are made larger and smaller by their threshold
BORDER = 4  # voxels around a patient's lesions


class LesionMap(NamedTuple):
    """The lesions of a patient.

    Attributes:
        share: smoothed mask ``(X, Y, Z)``, from 0 to 1, of the box around all lesions.
        affine: from voxels of that box to mm of the MNI space, ``(4, 4)``.
    """

    share: np.ndarray
    affine: np.ndarray


def load_lesion_shapes(folder: str | Path) -> list[np.ndarray]:
    """Cut every connected component out of the lesion masks of a folder.

    Args:
        folder: holds ``*.nii.gz`` or ``*.nii`` masks of about 1 mm spacing; may be missing.

    Returns:
        boolean arrays, each the box of a component of at least `LEAST_VOXELS`; empty where there is no mask.
    """
    shapes = []
    for image in _masks(folder):
        components, _ = ndimage.label(np.asarray(image.dataobj) > 0, CONNECTIVITY)
        for number, box in enumerate(ndimage.find_objects(components), 1):
            shape = components[box] == number
            if np.count_nonzero(shape) >= LEAST_VOXELS:
                shapes.append(shape)
    logger.info("%s: %d shapes of lesions to transplant.", folder, len(shapes))
    return shapes


def load_lesion_maps(folder: str | Path) -> list[LesionMap]:
    """Read the lesion masks of a folder, each as one map of a patient's lesions.

    Args:
        folder: holds ``*.nii.gz`` or ``*.nii`` masks of about 1 mm spacing in the MNI space; may be missing.

    Returns:
        a map for each mask that is not empty.

    Raises:
        UserError: for a folder that is there and holds no lesion: a training would go on and learn next to nothing.
    """
    maps = []
    for image in _masks(folder):
        mask = np.asarray(image.dataobj) > 0
        if mask.any():
            box = box_of(mask)
            share = ndimage.gaussian_filter(np.pad(mask[box], BORDER).astype(np.float32), SMOOTHING)
            low = np.array([side.start for side in box]) - BORDER
            maps.append(LesionMap(share, image.affine @ from_matvec(np.eye(3), low)))
    if not maps and Path(folder).is_dir():
        raise UserError(f"{folder}: no masks of lesions.", "Put NIfTI masks there, or remove the folder to paint none.")
    if not maps:
        logger.warning("%s: no masks of lesions there, so training paints none. `prepare --priors` puts some there.", folder)
    return maps


def _masks(folder: str | Path) -> Iterator[nibabel.Nifti1Image]:
    for path in visible([*Path(folder).glob("*.nii.gz"), *Path(folder).glob("*.nii")]):
        yield nibabel.load(path)
