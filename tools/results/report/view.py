"""What the report shows of a case: an image and its labels, as readers hang them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import nibabel
import numpy as np

from custom_networks.geometry.axial import slice_axis

MOST_VOXELS = 2**23  # of a volume; what is larger is shown coarser
MOST_PIXELS = 2**21  # of a picture
LONGEST = 2048  # voxels along an axis, which every graphics card takes
PLANES = ("sagittal", "coronal", "axial")  # the axis that counts the slices of each


@dataclass(frozen=True)
class View:
    """An image and its labels on one grid.

    Attributes:
        image: ``(X, Y, Z)``, x to the patient's right, y to the front, z up; ``(X, 1, Z)`` of a picture.
        mask: label map of the same grid; None where there are no labels.
        affine: ``(4, 4)``, voxels to mm.
        plane: one of `PLANES`, that shows most.
        oriented: whether right and left are known.
        numbering: axis, number of the first slice and step of the slices as the file counts them; None where they are not counted.
        window: darkest and brightest value.
        places: name of a structure to its place in mm, for structures that are not labels.
    """

    image: np.ndarray
    mask: np.ndarray | None
    affine: np.ndarray
    plane: str = "axial"
    oriented: bool = True
    numbering: tuple[int, int, int] | None = None
    window: tuple[float, float] | None = None
    places: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def flat(self) -> bool:
        """Whether it is a picture."""
        return self.image.shape[1] == 1

    @property
    def spacing(self) -> np.ndarray:
        """Size of a voxel in mm, along each axis."""
        return nibabel.affines.voxel_sizes(self.affine)


def view_picture(picture: np.ndarray, labels: np.ndarray | None, spacing: tuple[float, float] = (1.0, 1.0), **options) -> View:
    """Return the view of a picture.

    Args:
        picture: ``(rows, columns)``, the patient's right on the left.
        labels: label map of the same shape, or None.
        spacing: of rows and columns in mm.
        options: of `View`.
    """
    image, mask = (None if array is None else array[::-1, ::-1].T[:, None] for array in (picture, labels))
    return View(image, mask, np.diag([spacing[1], 1.0, spacing[0], 1.0]), "coronal", **options)


def number_slices(affine: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a view's axis of axial slices, the file's number of its first slice, and the step.

    Args:
        affine: of the file, ``(4, 4)``.
        shape: of the file's array.
    """
    axis = slice_axis(affine)
    turned, direction = nibabel.io_orientation(affine)[axis]
    return (int(turned), 0, 1) if direction > 0 else (int(turned), shape[axis] - 1, -1)


def coarsen(view: View) -> tuple[View, tuple[int, int, int]]:
    """Return a view that is small enough to be shown, and how many voxels of each axis became one.

    Voxels of the image are averaged; those of the mask are taken from their middle, so every label shown is one of the mask's.
    """
    factors = _factors(view)
    if max(factors) == 1:
        return view, factors
    image = _average(view.image, factors)
    if np.issubdtype(view.image.dtype, np.integer):
        image = image.round()
    mask = view.mask
    if mask is not None:
        middles = [np.minimum(np.arange(0, n, f) + f // 2, n - 1) for n, f in zip(mask.shape, factors, strict=True)]
        mask = mask[np.ix_(*middles)]
    affine = view.affine @ np.diag([*map(float, factors), 1.0])
    affine[:3, 3] = nibabel.affines.apply_affine(view.affine, (np.array(factors) - 1) / 2)
    return View(image, mask, affine, view.plane, view.oriented, view.numbering, view.window, view.places), factors


def _factors(view: View) -> tuple[int, int, int]:
    factors, most = np.ones(3, int), MOST_PIXELS if view.flat else MOST_VOXELS
    while True:
        shape = np.ceil(np.array(view.image.shape) / factors).astype(int)
        if prod(shape.tolist()) <= most and shape.max() <= LONGEST:
            return tuple(factors.tolist())
        candidates = shape > LONGEST if shape.max() > LONGEST else shape > 1
        factors[np.where(candidates, view.spacing * factors, np.inf).argmin()] += 1


def _average(image: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    """Return the means of blocks in float32, at the ends of those voxels that are there; a slab at a time, as a CT is large."""
    starts = [np.arange(0, n, factor) for n, factor in zip(image.shape, factors, strict=True)]
    result = np.stack([image[start : start + factors[0]].mean(0, dtype=np.float32) for start in starts[0]])
    for axis in (1, 2):
        counts = np.diff(starts[axis], append=image.shape[axis]).astype(np.float32)
        result = np.add.reduceat(result, starts[axis], axis) / np.expand_dims(counts, tuple({0, 1, 2} - {axis}))
    return result
