"""Read NIfTI files as they stand, and refuse what would come out wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple
from nibabel import Nifti1Header, Nifti2Header
from nibabel.spatialimages import HeaderDataError

from ..errors import UserError
from ..geometry.nifti_space import NiftiSpace, nifti_space
from .bounded import DAMAGED, STREAM_ERRORS, UNPACKERS, is_gzip, read_voxels
from .detached import without_single_axes
from .meta_data import Meta, meta_data

HEADERS = {348: (Nifti1Header, b"n+1\0", 352), 540: (Nifti2Header, b"n+2\0", 544)}  # by size: class, magic, voxels
ROWS, GAP = 64, 32  # rows that are turned round at once, and voxels between them
REPAIR = "Repair the header, or convert the original images again."


@dataclass(frozen=True)
class NiftiFile:
    """A NIfTI file whose header was found sound."""

    path: Path
    header: Nifti1Header
    shape: tuple[int, ...]
    space: NiftiSpace
    slope: float
    intercept: float
    encoding: str
    offset: int


class NiftiReader(ImageReader):
    """Read a NIfTI-1 or NIfTI-2 file, packed or not whatever its name says, in float32.

    The affine is that of the method which the standard puts first (see `nifti_space`), in mm; MONAI's reader would rather have the
    spacing of ``pixdim``. Trailing axes of one element are dropped.

    Args:
        picture: how files without orientation lie: as a picture, or as Analyze has it.

    Raises:
        UserError: for damaged and incomplete files, headers of other kinds or that contradict themselves, complex and colour
            voxels, an affine that is singular or not finite, and more bytes than are read.
    """

    def __init__(self, picture: bool = False) -> None:
        super().__init__()
        self.picture = picture

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> NiftiFile:
        return read_nifti_header(Path(ensure_tuple(data)[0]), self.picture)

    def get_data(self, img: NiftiFile) -> tuple[np.ndarray, Meta]:
        values, rest = read_voxels(img.path, 0, img.encoding, img.offset, math.prod(img.shape), img.header.get_data_dtype())
        array = _scaled(values.reshape(img.shape, order="F"), img.slope, img.intercept)
        remarks = [*img.space.remarks, *(["bytes follow the packed image; skipped"] if rest else [])]
        unit = img.space.unit
        if unit == "unknown":  # mm by custom, but pictures are often given lengths of 1 for want of any
            unit = "pixel" if self.picture and np.allclose(np.linalg.norm(img.space.affine[:3, :3], axis=0), 1) else "mm"
        codes = {"sform_code": img.space.sform_code, "qform_code": img.space.qform_code}
        return array, meta_data(img.space.affine, img.shape, remarks, spatial_unit=unit, **codes)


def read_nifti_header(path: Path, picture: bool = False) -> NiftiFile:
    """Read and judge the header of a NIfTI file."""
    encoding = "gzip" if is_gzip(path) else "raw"
    try:
        with path.open("rb") as file:
            block = UNPACKERS[encoding](file).read(max(HEADERS))
    except STREAM_ERRORS as error:
        raise UserError(f"{path}: cannot be read as an image, it is damaged ({error or type(error).__name__}).", DAMAGED) from error
    header, least_offset = _parse(path, block)
    shape = _shape(path, header)
    _check_type(path, header)
    try:
        space = nifti_space(header, shape, picture)
    except ValueError as error:
        raise UserError(f"{path}: the image has no place in space: {error}.", REPAIR) from error
    offset = float(header["vox_offset"]) or least_offset
    if not (math.isfinite(offset) and offset >= least_offset and offset == int(offset)):
        raise UserError(f"{path}: voxels cannot begin at byte {offset:g}.", REPAIR)
    return NiftiFile(path, header, shape, space, *_scaling(path, header), encoding, int(offset))


def _parse(path: Path, block: bytes) -> tuple[Nifti1Header, int]:
    for size, (kind, magic, least_offset) in HEADERS.items():
        for endianness, order in (("<", "little"), (">", "big")):
            if len(block) >= size and int.from_bytes(block[:4], order) == size:
                header = kind(block[:size], endianness=endianness, check=False)
                found = header["magic"].tobytes().ljust(len(magic), b"\0")[: len(magic)]
                if found[:3] in (b"ni1", b"ni2"):
                    raise UserError(f"{path}: the header of a pair (.hdr and .img).", "Convert the pair to one .nii.gz file.")
                if found != magic:
                    raise UserError(f"{path}: no NIfTI file, perhaps Analyze 7.5.", "Convert it to NIfTI.")
                return header, least_offset
    raise UserError(f"{path}: cannot be read as an image, its NIfTI header is damaged.", DAMAGED)


def _shape(path: Path, header: Nifti1Header) -> tuple[int, ...]:
    """Return the sizes of the axes without trailing ones beyond the third."""
    count = int(header["dim"][0])
    sizes = [int(size) for size in header["dim"][1 : 1 + max(0, count)]]
    if not 1 <= count <= 7 or min(sizes) < 1:
        raise UserError(f"{path}: impossible sizes in the header ({count} axes: {sizes}).", REPAIR)
    if len(sizes) == 1:
        raise UserError(f"{path}: an image of 1 axis.", "Give a slice or a volume.")
    return without_single_axes(sizes)


def _check_type(path: Path, header: Nifti1Header) -> None:
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise UserError(f"{path}: voxels of the unknown type {int(header['datatype'])}.", REPAIR) from error
    if dtype.fields:
        raise UserError(f"{path}: voxels in colour (RGB).", "Give a grayscale image.")
    if dtype.kind == "c":
        raise UserError(f"{path}: complex voxels.", "Give the magnitude image.")
    if dtype.kind not in "iuf":
        raise UserError(f"{path}: voxels of a type that is not read ({int(header['datatype'])}).", REPAIR)


def _scaling(path: Path, header: Nifti1Header) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0, or none (NaN), means that the voxels stand as they are."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise UserError(f"{path}: voxels cannot be scaled by {slope:g} and {intercept:g}.", REPAIR)
    return slope, intercept


def _scaled(array: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Return the array, whose first axis is the fastest, in float32 with the last axis the fastest; scaled in float64.

    Some rows are copied aside before they are turned round. There the steps between voxels are no powers of two, which lie in each
    other's way in the processor's caches: that makes it ten times as fast as turning the whole array round.
    """
    result = np.empty(array.shape, np.float32)
    columns, height, *others = array.shape
    rows = max(1, ROWS // math.prod(others))
    aside = np.empty((*reversed(others), rows, columns + GAP), array.dtype).T[:columns]
    for start in range(0, height, rows):
        place = np.s_[:, start : start + rows]
        block = aside[:, : min(rows, height - start)]
        block[...] = array[place]
        result[place] = block if (slope, intercept) == (1, 0) else block.astype(np.float64) * slope + intercept
    return result
