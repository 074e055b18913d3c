"""Boxes in arrays, crops that may leave them, connected pieces."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import find_objects, label

from ..vertebrae.names import SACRUM, VERTEBRAE

Box = tuple[slice, ...]


def box_of(mask: np.ndarray) -> Box:
    """Return the smallest box that holds all of a mask, or whatever else is not 0; it must not be empty."""
    box = []
    for axis in range(mask.ndim):
        found = np.flatnonzero(mask.any(tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(found[0]), int(found[-1]) + 1))
        mask = mask[(*[slice(None)] * axis, box[-1])]
    return tuple(box)


def label_boxes(labels: np.ndarray, most: int = 0) -> list[Box | None]:
    """Return the box of every label from 1, None of those without voxels; as SciPy's ``find_objects``.

    SciPy takes four times as long over a volume that is background for the most part, as it looks at each of its voxels.

    Args:
        labels: whole numbers.
        most: label up to which boxes are asked for; 0 means the largest.
    """
    if not labels.any():
        return [None] * most
    inside = box_of(labels)
    return [
        box and tuple(slice(s.start + o.start, s.stop + o.start) for s, o in zip(box, inside, strict=True))
        for box in find_objects(labels[inside], most)
    ]


def vertebra_boxes(labels: np.ndarray) -> dict[int, Box]:
    """Return the box of every vertebra, and of the sacrum, of a label map of VerSe numbers, by number; other labels have none."""
    boxes = enumerate(label_boxes(labels, max(VERTEBRAE)), start=1)
    return {code: box for code, box in boxes if box is not None and code in (*VERTEBRAE, SACRUM)}


def grown(box: Box, margin: int, shape: Sequence[int]) -> Box:
    """Return a box with ``margin`` voxels more on every side, inside an array of ``shape``."""
    return tuple(slice(max(0, part.start - margin), min(n, part.stop + margin)) for part, n in zip(box, shape, strict=True))


def reach(box: Box, matrix: np.ndarray, shape: Sequence[int]) -> Box:
    """Return the part of another grid, of ``shape``, that a box reaches, empty if none; ``matrix`` maps voxels to that grid's."""
    corners = np.stack(np.meshgrid(*[(part.start - 0.5, part.stop - 0.5) for part in box], indexing="ij"), axis=-1).reshape(-1, 3)
    there = corners @ matrix[:3, :3].T + matrix[:3, 3]
    low, high = np.floor(there.min(0)).astype(int), np.ceil(there.max(0)).astype(int) + 1
    return overlap(low, high - low, shape)[0]


def touches_border(box: Box, shape: Sequence[int]) -> bool:
    """Tell whether a box reaches the first or last voxel of any axis."""
    return any(part.start <= 0 or part.stop >= n for part, n in zip(box, shape, strict=True))


def overlap(corner: np.ndarray, size: Sequence[int], shape: Sequence[int]) -> tuple[Box, Box]:
    """Return where a box at ``corner`` meets an array: the part in the array's voxels, and in the box's own; empty if nowhere."""
    low = np.maximum(corner, 0)
    high = np.maximum(np.minimum(np.asarray(corner) + size, shape), low)
    there = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = tuple(slice(int(a - c), int(b - c)) for a, b, c in zip(low, high, corner, strict=True))
    return there, inside


def crop(array: np.ndarray | torch.Tensor, corner: np.ndarray, size: Sequence[int], outside: float) -> np.ndarray | torch.Tensor:
    """Return a box of an array, of the array's own kind and type.

    Args:
        array: of any number of axes.
        corner: index of the box's first voxel along each axis; may lie outside.
        size: of the box in voxels.
        outside: value where the box leaves the array.
    """
    size = tuple(int(n) for n in size)
    result = array.new_full(size, outside) if isinstance(array, torch.Tensor) else np.full(size, outside, array.dtype)
    there, inside = overlap(corner, size, array.shape)
    result[inside] = array[there]
    return result


def largest_piece(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the largest 26-connected piece of a 3D mask and its voxels; thin arches hold together at their corners."""
    pieces, count = label(mask, np.ones((3, 3, 3)))
    if not count:
        return mask, 0
    sizes = np.bincount(pieces.ravel())[1:]
    largest = int(sizes.argmax())
    return pieces == largest + 1, int(sizes[largest])
