"""Which axis of an array counts the axial slices."""

import numpy as np


def slice_axis(affine: np.ndarray) -> int:
    """Return the array axis that runs most along the body, that of axial slices.

    Args:
        affine: of the image, 4x4, in mm.
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return int(np.abs(directions[2]).argmax())


def slices_last(array: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return ``array`` with its axial slices along the third axis; a 2D array gets that axis.

    Args:
        array: ``(H, W)``, or three axes in any order.
        affine: of the image, 4x4, in mm.
    """
    array = array[..., None] if array.ndim == 2 else array
    return np.moveaxis(array, slice_axis(affine), -1)


def spacing_slices_last(affine: np.ndarray) -> tuple[float, float, float]:
    """Return the spacing in mm of the axes of what `slices_last` returns."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    spacing.append(spacing.pop(slice_axis(affine)))
    return tuple(spacing)
