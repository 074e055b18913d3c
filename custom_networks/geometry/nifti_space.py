"""Where the voxels of a NIfTI file lie: the one of its three methods that counts, in mm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.spatialimages import HeaderDataError

TOLERANCE = 0.01  # share by which lengths and directions of two methods may differ before that is said
UNITS = {0: ("unknown", 1.0), 1: ("metres", 1e3), 2: ("mm", 1.0), 3: ("micrometres", 1e-3)}  # code: name, mm
LARGEST_CODE = 5
PICTURE_AXES = np.diag([-1.0, -1.0, 1.0])  # columns run to the patient's left, rows down
ANALYZE_AXES = np.diag([-1.0, 1.0, 1.0])  # what nibabel, FSL and SPM take where a header does not say


@dataclass(frozen=True)
class NiftiSpace:
    """The space of a NIfTI file.

    Attributes:
        affine: of the array in RAS, 4x4, in mm.
        sform_code: code of the sform where it is the affine, else 0.
        qform_code: code of the qform where it agrees with the affine, else 0.
        unit: of the lengths: ``"mm"``, or ``"unknown"`` where the header does not say, and mm are taken.
        remarks: what was chosen or converted, for a warning.
    """

    affine: np.ndarray
    sform_code: int
    qform_code: int
    unit: str
    remarks: tuple[str, ...]


def nifti_space(header, shape: Sequence[int], picture: bool = False) -> NiftiSpace:
    """Return the space of a header: the sform where it has a code, else the qform where it has one, else the spacing alone.

    That is the order of the NIfTI standard. A method that was passed over and differs by more than 1 % is remarked upon.

    Args:
        header: of nibabel, as it stands in the file.
        shape: of the array.
        picture: whether a file without codes is a picture, columns to the patient's left and rows down, or as Analyze has it.

    Raises:
        ValueError: says why the file has no place in space.
    """
    unit_code = int(header["xyzt_units"]) & 7
    if unit_code not in UNITS:
        raise ValueError(f"its unit of length has the unknown code {unit_code}")
    unit, millimetres = UNITS[unit_code]
    spacing, thickness_known = _spacing(header, shape)
    remarks = []
    sform_code, qform_code = (_code(header, name) for name in ("sform_code", "qform_code"))
    sform = np.asarray(header.get_sform(), dtype=float)
    qform = _qform(header, spacing) if qform_code else None
    if sform_code and not _invertible(sform):
        if qform is None:
            raise ValueError(f"the affine is singular or not finite ({_text(sform)}), and there is no qform")
        remarks.append("the sform cannot be inverted; the qform is taken")
        sform_code = 0
    if sform_code:
        affine = sform
        remarks += _differences(sform, header, qform, shape)
        if qform_code and qform is None:
            remarks.append("the qform has no spacing or no rotation; the sform is taken")
        qform_code = qform_code if qform is not None and _agree(sform, qform) else 0
    elif qform_code:
        if qform is None:
            raise ValueError(f"its qform has no spacing or no rotation (pixdim {_text(header['pixdim'][:4])})")
        affine = qform
    else:
        affine = _by_spacing(spacing, shape, picture, header)
        taken = "down" if picture else "to the front and slices up"
        remarks.append(
            f"the header has neither sform nor qform, so orientation and sides are not known; taken by its spacing, columns to the "
            f"patient's left, rows {taken}"
        )
    if not (sform_code or thickness_known or picture or len(shape) < 3):
        remarks.append("the header has no thickness of its slice; 1 mm is taken")
    if millimetres != 1:
        affine = np.diag([millimetres] * 3 + [1.0]) @ affine
        remarks.append(f"lengths are in {unit}, converted to mm")
        unit = "mm"
    return NiftiSpace(affine, sform_code, qform_code, unit, tuple(remarks))


def _code(header, name: str) -> int:
    code = int(header[name])
    return code if 0 <= code <= LARGEST_CODE else 0


def _spacing(header, shape: Sequence[int]) -> tuple[np.ndarray, bool]:
    """Return three spacings, 1 mm for an axis of a single element that has none, and whether there was no such axis."""
    spacing = np.array(header["pixdim"][1:4], dtype=float)
    single = np.array([axis >= len(shape) or shape[axis] == 1 for axis in range(3)])
    bare = single & ~(np.isfinite(spacing) & (spacing > 0))
    spacing[bare] = 1.0
    return spacing, not bare.any()


def _qform(header, spacing: np.ndarray) -> np.ndarray | None:
    """Return the qform, None where it cannot be made."""
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        return None
    copy = header.copy()
    copy["pixdim"][1:4] = spacing
    copy["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1
    try:
        qform = np.asarray(copy.get_qform(), dtype=float)
    except (HeaderDataError, ValueError):
        return None
    return qform if _invertible(qform) else None


def _by_spacing(spacing: np.ndarray, shape: Sequence[int], picture: bool, header) -> np.ndarray:
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(f"it has neither sform nor qform, and no spacing (pixdim {_text(header['pixdim'][1:4])})")
    affine = np.eye(4)
    affine[:3, :3] = (PICTURE_AXES if picture else ANALYZE_AXES) * spacing
    sizes = np.array([*shape[:3], 1, 1][:3])
    affine[:3, 3] = 0 if picture else -affine[:3, :3] @ (sizes - 1) / 2
    return affine


def _differences(sform: np.ndarray, header, qform: np.ndarray | None, shape: Sequence[int]) -> list[str]:
    lengths = np.linalg.norm(sform[:3, :3], axis=0)
    pixdim = np.array(header["pixdim"][1:4], dtype=float)
    axes = [axis for axis in range(min(3, len(shape))) if shape[axis] > 1 or pixdim[axis] > 0]
    remarks = []
    if not np.allclose(lengths[axes], pixdim[axes], rtol=TOLERANCE, atol=0):
        remarks.append(f"the sform has a spacing of {_text(lengths)} mm, pixdim of {_text(pixdim)}; the sform is taken")
    elif qform is not None and not _agree(sform, qform):
        remarks.append("sform and qform lie elsewhere or in other directions; the sform is taken")
    return remarks


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two affines have the same axes within 1 % and the same origin within a voxel."""
    lengths = np.linalg.norm(one[:3, :3], axis=0)
    turned = np.linalg.norm(one[:3, :3] - other[:3, :3], axis=0) > TOLERANCE * lengths
    return not turned.any() and float(np.abs(one[:3, 3] - other[:3, 3]).max()) <= lengths.min()


def _invertible(affine: np.ndarray) -> bool:
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return lengths.min() > 0 and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-6


def _text(values) -> str:
    return " ".join(f"{value:.4g}" for value in np.ravel(values))
