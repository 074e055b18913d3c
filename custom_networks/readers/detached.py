"""Voxels beside their header, and in it: what NRRD and MetaImage have in common."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from .bounded import DAMAGED, check_size, read_voxels

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNITS = {"mm": 1.0, "cm": 10.0, "m": 1e3, "um": 1e-3, "micron": 1e-3, "microns": 1e-3, "\u00b5m": 1e-3, "nm": 1e-6}  # in mm
REPAIR = "Repair the header, or export the image again."


def data_file(header: Path, name: str) -> Path:
    """Return the file of a detached header's voxels.

    Raises:
        UserError: when it is missing, lies in another folder than the header, or is not one file.
    """
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise UserError(f"{header}: its voxels lie in several files.", "Export it as one file.")
    path = header.parent / name
    if path.resolve().parent != header.resolve().parent:
        raise UserError(f"{header}: its voxels would come from another folder ({name}).", "Put both files into one folder.")
    if not path.is_file():
        raise UserError(f"{header}: its file of voxels, {name}, is missing.", "Copy both files.")
    if path.resolve() == header.resolve():
        raise UserError(f"{header}: its voxels would be the header itself.", REPAIR)
    return path


def read_array(path: Path, start: int, encoding: str, skip: int, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Read an array in float32 whose first axis counts fastest; ``skip`` of -1 means that it ends the file.

    Raises:
        UserError: as `read_voxels`, and when a text holds other than ``shape`` numbers.
    """
    count = math.prod(shape)
    if encoding == "ascii":
        values = _read_text(path, start, count)
    else:
        if skip == -1:
            skip = path.stat().st_size - start - count * dtype.itemsize
        if skip < 0 or (encoding != "raw" and skip):
            raise UserError(f"{path}: voxels cannot begin there.", REPAIR)
        values, _ = read_voxels(path, start, encoding, skip, count, dtype)
    return values.astype(np.float32).reshape(tuple(shape), order="F")


def _read_text(path: Path, start: int, count: int) -> np.ndarray:
    check_size(path, max(path.stat().st_size, 4 * count))
    with path.open("rb") as stream:
        stream.seek(start)
        words = stream.read().split()
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError as error:
        raise UserError(f"{path}: voxels that are not numbers.", DAMAGED) from error
    if len(values) != count:
        raise UserError(f"{path}: {len(values)} voxels, the header says {count}.", DAMAGED)
    return values


def affine_of(
    path: Path, axes: np.ndarray, origin: np.ndarray, to_ras: np.ndarray, unit: str | None
) -> tuple[np.ndarray, list[str]]:
    """Return the affine in mm, and a remark where the unit was another.

    Args:
        path: file, for messages.
        axes: steps along the array's first two or three axes as columns ``(3, 2 or 3)``.
        origin: place of the first voxel, ``(3,)``.
        to_ras: matrix 4x4 from the file's space.
        unit: of the lengths; None means mm.

    Raises:
        UserError: for values that are not finite, axes that lie in one plane, and unknown units.
    """
    if not (np.isfinite(axes).all() and np.isfinite(origin).all()):
        raise UserError(f"{path}: a direction, spacing or origin is not finite.", REPAIR)
    if axes.shape[1] == 2:
        normal = np.cross(axes[:, 0], axes[:, 1])
        axes = np.column_stack([axes, normal / max(np.linalg.norm(normal), 1e-12)])
    lengths = np.linalg.norm(axes, axis=0)
    if lengths.min() <= 0 or abs(np.linalg.det(axes / lengths)) < 1e-6:
        raise UserError(f"{path}: the affine is singular, so the image has no place in space.", REPAIR)
    if unit is not None and unit not in UNITS:
        raise UserError(f"{path}: lengths in the unknown unit {unit!r}.", REPAIR)
    millimetres = UNITS[unit or "mm"]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * millimetres, origin * millimetres
    return to_ras @ affine, [] if millimetres == 1 else [f"lengths are in {unit}, converted to mm"]


def without_single_axes(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without axes of one element beyond the third."""
    kept = list(shape)
    while len(kept) > 3 and kept[-1] == 1:
        kept.pop()
    return tuple(kept)
