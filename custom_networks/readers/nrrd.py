"""Read NRRD files as they stand, and refuse what would come out wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple

from ..errors import UserError
from .bounded import DAMAGED
from .detached import LPS_TO_RAS, REPAIR, affine_of, data_file, read_array, without_single_axes
from .meta_data import Meta, meta_data

SPACES = {
    "right-anterior-superior": np.eye(4), "ras": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1, 1, 1]), "las": np.diag([-1.0, 1, 1, 1]),
    "left-posterior-superior": LPS_TO_RAS, "lps": LPS_TO_RAS,
}  # fmt: skip
ENCODINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"} | dict.fromkeys(
    ("ascii", "text", "txt"), "ascii"
)
TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
DTYPES = {name: code for code, names in TYPES.items() for name in names}
MOST_AXES = 8


class NrrdReader(ImageReader):
    """Read a NRRD file, attached or detached, in float32 and RAS; axes without a direction in space come last.

    A file that names no space, or one that is not of the body, is taken as left-posterior-superior, as ITK does, with a remark.

    Raises:
        UserError: for damaged and incomplete files, voxels in another folder, a missing spacing, units that are not known, and more
            bytes than are read.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> tuple[Path, dict, int]:
        import nrrd  # when there is such a file: training needs none

        path = Path(ensure_tuple(data)[0])
        try:
            with path.open("rb") as stream:
                header = nrrd.read_header(stream)
                start = stream.tell()
            missing = [name for name in ("type", "sizes", "encoding", "dimension") if name not in header]
        except OSError:
            raise
        except Exception as error:  # pynrrd raises many types for damaged headers
            raise UserError(f"{path}: cannot be read as an image, its NRRD header is damaged ({error}).", DAMAGED) from error
        if missing:
            raise UserError(f"{path}: the NRRD header has no {missing[0]}.", DAMAGED)
        return path, header, start

    def get_data(self, img: tuple[Path, dict, int]) -> tuple[np.ndarray, Meta]:
        path, header, start = img
        shape = _shape(path, header)
        spatial, affine, remarks = _place(path, header, len(shape))
        array = _voxels(path, header, start, shape)
        array = np.moveaxis(array, spatial, range(len(spatial)))
        array = array.reshape(without_single_axes(array.shape), order="F")
        return array, meta_data(affine, array.shape, remarks)


def _shape(path: Path, header: dict) -> tuple[int, ...]:
    shape = tuple(int(size) for size in header["sizes"])
    if len(shape) != header["dimension"] or not 2 <= len(shape) <= MOST_AXES or min(shape) < 1:
        raise UserError(f"{path}: impossible sizes in the header ({shape}).", REPAIR)
    return shape


def _voxels(path: Path, header: dict, start: int, shape: tuple[int, ...]) -> np.ndarray:
    kind, encoding = DTYPES.get(header["type"]), ENCODINGS.get(str(header["encoding"]).lower())
    if kind is None or encoding is None:
        raise UserError(f"{path}: type {header['type']}, encoding {header['encoding']}: not read.", "Export it as raw or gzip.")
    if kind[1] != "1" and encoding != "ascii" and header.get("endian") not in ("little", "big"):
        raise UserError(f"{path}: the header does not say the order of bytes (endian).", REPAIR)
    dtype = np.dtype(kind).newbyteorder(">" if header.get("endian") == "big" else "<")
    name = header.get("data file") or header.get("datafile")
    lines, skip = (
        int(header.get(long, header.get(short, 0))) for long, short in (("line skip", "lineskip"), ("byte skip", "byteskip"))
    )
    if lines:
        raise UserError(f"{path}: lines to be skipped before the voxels.", "Export it without line skip.")
    return read_array(data_file(path, str(name)) if name else path, 0 if name else start, encoding, skip, shape, dtype)


def _place(path: Path, header: dict, axes: int) -> tuple[list[int], np.ndarray, list[str]]:
    """Return the axes in space, the affine of them, and remarks."""
    if header.get("space directions") is not None:
        rows = header["space directions"]
        spatial = [axis for axis in range(len(rows)) if rows[axis] is not None and not np.isnan(rows[axis]).all()]
        steps = _in_three(np.array([rows[axis] for axis in spatial], dtype=float).T)
        if len(rows) != axes or steps.ndim != 2 or steps.shape[0] != 3 or len(spatial) not in (2, 3):
            raise UserError(f"{path}: space directions of {axes} axes that are not two or three in space.", REPAIR)
    else:
        spacings = np.asarray(header.get("spacings", [np.nan]), dtype=float)
        spatial = [int(axis) for axis in np.flatnonzero(np.isfinite(spacings))]
        if len(spacings) != axes or len(spatial) not in (2, 3) or (spacings[spatial] <= 0).any():
            raise UserError(f"{path}: no spacing in the header.", REPAIR)
        steps = np.eye(3)[:, : len(spatial)] * spacings[spatial]
    space = str(header.get("space", "")).lower().removesuffix("-time")
    remarks = [] if space in SPACES else ["the header does not say which side is left; taken as left-posterior-superior"]
    origin = _in_three(np.asarray(header.get("space origin", np.zeros(3)), dtype=float))
    if origin.shape != (3,):
        raise UserError(f"{path}: an origin of {origin.size} numbers.", REPAIR)
    units = {str(unit).strip('"').lower() for unit in header.get("space units", ()) if str(unit).strip('"')}
    if len(units) > 1:
        raise UserError(f"{path}: several units of length ({', '.join(sorted(units))}).", REPAIR)
    affine, converted = affine_of(path, steps, origin, SPACES.get(space, LPS_TO_RAS), next(iter(units), None))
    return spatial, affine, remarks + converted


def _in_three(vectors: np.ndarray) -> np.ndarray:
    """Return vectors ``(2, ...)`` of a plane with a third component of 0; others stay as they are."""
    return np.concatenate([vectors, np.zeros_like(vectors[:1])]) if vectors.shape[:1] == (2,) else vectors
