"""Read MetaImage files (.mha, .mhd) as they stand, and refuse what would come out wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple

from ..errors import UserError
from .bounded import DAMAGED
from .detached import LPS_TO_RAS, REPAIR, affine_of, data_file, read_array, without_single_axes
from .meta_data import Meta, meta_data

TYPES = {
    "CHAR": "i1", "UCHAR": "u1", "SHORT": "i2", "USHORT": "u2", "INT": "i4", "UINT": "u4", "LONG": "i4", "ULONG": "u4",
    "LONG_LONG": "i8", "ULONG_LONG": "u8", "FLOAT": "f4", "DOUBLE": "f8",
}  # fmt: skip
LONGEST_HEADER = 2**16  # bytes
SAME = {"Origin": "Offset", "Position": "Offset", "Rotation": "TransformMatrix", "Orientation": "TransformMatrix"}
MATRIX_TOLERANCE = 0.01  # of the length of a direction, which should be 1


class MetaImageReader(ImageReader):
    """Read a MetaImage, attached or detached, in float32 and RAS; channels come last.

    Raises:
        UserError: for damaged and incomplete files, voxels in another folder or in several files, a missing spacing, units that are
            not known, and more bytes than are read.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> tuple[Path, dict[str, str], int]:
        path = Path(ensure_tuple(data)[0])
        return path, *_read_header(path)

    def get_data(self, img: tuple[Path, dict[str, str], int]) -> tuple[np.ndarray, Meta]:
        path, header, start = img
        shape = tuple(int(size) for size in _numbers(path, header, "DimSize"))
        channels = int(header.get("ElementNumberOfChannels", 1))
        if len(shape) != int(header["NDims"]) or len(shape) < 2 or min(*shape, channels) < 1:
            raise UserError(f"{path}: impossible sizes in the header ({shape}).", REPAIR)
        affine, remarks = _place(path, header, len(shape))
        array = _voxels(path, header, start, (channels, *shape) if channels > 1 else shape)
        array = np.moveaxis(array, 0, -1) if channels > 1 else array
        array = array.reshape(without_single_axes(array.shape), order="F")
        return array, meta_data(affine, array.shape, remarks)


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's entries, and the byte at which local voxels begin."""
    header: dict[str, str] = {}
    with path.open("rb") as stream:
        while "ElementDataFile" not in header:
            line = stream.readline(LONGEST_HEADER)
            key, mark, value = line.decode("latin-1").partition("=")
            if not mark or stream.tell() > LONGEST_HEADER:
                raise UserError(f"{path}: cannot be read as an image, its MetaImage header is damaged.", DAMAGED)
            header[SAME.get(key.strip(), key.strip())] = value.strip()
        start = stream.tell()
    for key in ("NDims", "DimSize", "ElementType"):
        if key not in header:
            raise UserError(f"{path}: the MetaImage header has no {key}.", DAMAGED)
    for key in ("NDims", "ElementNumberOfChannels", "HeaderSize"):
        if not header.get(key, "0").removeprefix("-").isdecimal():
            raise UserError(f"{path}: {key} is {header[key]!r}.", REPAIR)
    return header, start


def _numbers(path: Path, header: dict[str, str], key: str, default: Sequence[float] | None = None) -> np.ndarray:
    if key not in header and default is not None:
        return np.asarray(default, dtype=float)
    try:
        return np.array(header[key].split(), dtype=float if key != "DimSize" else np.int64)
    except (KeyError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: {key} is {header.get(key, 'missing')!r}.", REPAIR) from error


def _is_true(header: dict[str, str], key: str, default: bool = False) -> bool:
    return header.get(key, str(default)).lower() in ("true", "1", "yes")


def _place(path: Path, header: dict[str, str], axes: int) -> tuple[np.ndarray, list[str]]:
    if "ElementSpacing" not in header and "ElementSize" not in header:
        raise UserError(f"{path}: no spacing in the header.", REPAIR)
    spacing = _numbers(path, header, "ElementSpacing" if "ElementSpacing" in header else "ElementSize")
    matrix = _numbers(path, header, "TransformMatrix", np.eye(axes).ravel())
    origin = _numbers(path, header, "Offset", np.zeros(axes))
    if len(spacing) != axes or matrix.size != axes**2 or len(origin) != axes or not (spacing > 0).all():
        raise UserError(f"{path}: spacing, matrix or offset are not those of {axes} axes.", REPAIR)
    directions = matrix.reshape(axes, axes).T
    if not np.allclose(np.linalg.norm(directions, axis=0), 1, atol=MATRIX_TOLERANCE):
        raise UserError(f"{path}: directions of another length than 1 (TransformMatrix).", REPAIR)
    used = min(axes, 3)
    steps, place = np.zeros((3, used)), np.zeros(3)
    steps[:used], place[:used] = (directions * spacing)[:used, :used], origin[:used]
    unit = header.get("DistanceUnits", "").lower()
    return affine_of(path, steps, place, LPS_TO_RAS, None if unit in ("", "?") else unit)


def _voxels(path: Path, header: dict[str, str], start: int, shape: tuple[int, ...]) -> np.ndarray:
    kind = TYPES.get(header["ElementType"].removeprefix("MET_"))
    if kind is None:
        raise UserError(f"{path}: voxels of the type {header['ElementType']}.", "Export it as whole or decimal numbers.")
    big = _is_true(header, "ElementByteOrderMSB", _is_true(header, "BinaryDataByteOrderMSB"))
    name = header["ElementDataFile"]
    local = name.upper() == "LOCAL"
    encoding = "zlib" if _is_true(header, "CompressedData") else "raw" if _is_true(header, "BinaryData", True) else "ascii"
    file = path if local else data_file(path, name)
    dtype = np.dtype(kind).newbyteorder(">" if big else "<")
    return read_array(file, start if local else 0, encoding, int(header.get("HeaderSize", 0)), shape, dtype)
