"""The grid that images are brought to: axes, and the spacing along each."""

import numpy as np

from custom_networks.errors import UserError

from .reasons import Reason, rounded, times
from .survey import Fingerprint

ANISOTROPIC = 3.0  # how much longer voxels are along one axis than along the others
FINER = 10  # percentile of the spacing along a coarse axis, where others have the median
FEWEST_SLICES = 8  # below which planes are segmented one by one


def order_axes(found: Fingerprint, pictures: bool) -> tuple[list[int], bool]:
    """Return the patient's axes with the coarsest last, and whether images are single planes across it."""
    if pictures:
        return [0, 1, 2], True
    shape, spacing = np.median(found.shapes, axis=0), np.median(found.spacings, axis=0)
    single = np.flatnonzero(shape == 1)
    last = int(single[0]) if len(single) else max(range(3), key=lambda axis: (round(float(spacing[axis]), 3), axis))
    return [axis for axis in range(3) if axis != last] + [last], bool(len(single))


def choose_dimensions(planes: bool, pictures: bool, slices: int, asked: int | None) -> tuple[int, Reason]:
    """Return 2 or 3.

    Args:
        planes: whether images are single planes.
        pictures: whether they are pictures.
        slices: of a volume, in the median.
        asked: what the user wants; None chooses.

    Raises:
        UserError: where 3 is asked for and images are planes.
    """
    if planes and asked == 3:
        raise UserError("--dimensions 3: the images are single planes.", "Leave it out.")
    if asked is not None:
        dimensions, why = asked, "as you said"
    elif planes:
        dimensions, why = 2, "the images are pictures" if pictures else "the images are single slices"
    elif slices < FEWEST_SLICES:
        dimensions, why = 2, f"{slices} slices in the median are too few to be pooled along them"
    else:
        dimensions, why = 3, f"the images are volumes of {slices} slices in the median"
    return dimensions, Reason("network", f"{dimensions}D", f"{why}.")


def plan_spacing(shapes: np.ndarray, spacings: np.ndarray, unit: str) -> tuple[np.ndarray, Reason]:
    """Return the median spacing along each axis; a coarse axis of few voxels gets a finer one, so that few images lose slices.

    Args:
        shapes: voxels of the images, ``(cases, axes)``.
        spacings: the same of the spacing.
        unit: of the spacing.
    """
    spacing, size = np.median(spacings, axis=0), np.median(shapes, axis=0)
    coarsest = int(np.argmax(spacing))
    others = np.arange(len(spacing)) != coarsest
    ratio = spacing[coarsest] / spacing[others].max()
    why = "The median of the data along each axis."
    if ratio >= ANISOTROPIC and size[coarsest] * ANISOTROPIC < size[others].min():
        spacing[coarsest] = max(float(np.percentile(spacings[:, coarsest], FINER)), float(spacing[others].max()))
        why = (
            f"The median along each axis; along the coarsest voxels are {ratio:.1f} times as long, so it gets the {FINER}th "
            "percentile, and few images lose slices."
        )
    return spacing, Reason("spacing", f"{times(map(rounded, spacing))} {unit}", why)


def median_shape(shapes: np.ndarray, spacings: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the median shape of images ``(cases, axes)`` that are brought to a spacing."""
    return np.maximum(1, np.median(np.round(shapes * spacings / spacing), axis=0).astype(int))
