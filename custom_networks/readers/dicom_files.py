"""DICOM images in files, folders and zipped studies: headers first, pixels where they are asked for."""

import logging
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ..cases.cases import is_dicom, is_index, is_zip
from ..cases.suffixes import DICOM_SUFFIXES, is_result
from ..cases.tree import is_hidden
from ..errors import ZIP_ERRORS, UserError, some
from .bounded import CHUNK, check_size

MOST_MEMBERS = 100_000  # of a zip
MOST_RATIO, FREE_BYTES = 100, 256 * 2**20  # a zip that unpacks to more than both is a bomb: images seldom halve
IMAGE_TAGS = ("Rows", "Columns", "BitsAllocated")
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # storage of segmentations, of label maps
MARK, MARK_END = b"DICM", 132
OTHER_KIND = re.compile(r".*\.(?!(dicom|dic)$)[a-z][a-z0-9]*", re.IGNORECASE)  # names that no exporter gives to slices

logger = logging.getLogger("axial")


@dataclass(frozen=True)
class DicomImage:
    """An image of one file or one member of a zip.

    Attributes:
        file: where it comes from, for messages.
        dataset: everything but the pixels.
        path: the file, or the zip.
        member: of the zip, with the archive it was found in; None for a file.
    """

    file: str
    dataset: pydicom.Dataset
    path: Path
    member: tuple[zipfile.ZipFile, zipfile.ZipInfo] | None = None

    def load(self) -> pydicom.Dataset:
        """Return the dataset with its pixels."""
        try:
            if self.member is None:
                with self.path.open("rb") as stream:
                    return _read(self.file, stream, pixels=True)
            archive, info = self.member
            with archive.open(info) as stream:
                return _read(self.file, stream, pixels=True)
        except ZIP_ERRORS as error:
            raise UserError(f"{self.file}: cannot be read ({error}).", "Export the study again.") from error


def read_images(path: Path) -> Iterator[DicomImage]:
    """Yield every DICOM image in a file, directly in a folder, or anywhere in a zip, without its pixels.

    Objects without an image, such as reports and segmentations, and files of other kinds are passed over: exported studies carry
    viewers and indices, and results may lie beside their scan. In a folder those that are not ours are named in the log. A file
    without DICOM's mark whose name could be a slice's is damaged.

    Raises:
        UserError: when a file or the zip is damaged, a zip unpacks to more than `most_bytes` or is a bomb, or a single file
            holds no image.
    """
    if is_zip(path):
        yield from _read_zip(path)
        return
    if not path.is_dir():
        dataset = read_header(path)
        if not _holds_image(dataset):
            kind = getattr(dataset.get("SOPClassUID"), "name", "an object of no class")
            raise UserError(f"{path}: holds no image but {kind}.", "Give the images of the study.")
        yield DicomImage(str(path), dataset, path)
        return
    files = sorted(file for file in path.iterdir() if file.is_file())
    others = [file for file in files if _is_other_kind(file)]
    strange = [file.name for file in others if not (is_hidden(file.name) or is_result(file.name) or is_index(file.name))]
    if strange:
        logger.warning("%s: %s beside the DICOM files; skipped.", path, some(strange, 1))
    for file in sorted({*files} - {*others}):
        dataset = read_header(file)
        if _holds_image(dataset):
            _check_whole(str(file), dataset)
            yield DicomImage(str(file), dataset, file)


def _is_other_kind(file: Path) -> bool:
    """Tell whether a file of a folder is none of its slices, by its name and, where that leaves it open, its mark."""
    if is_hidden(file.name) or is_result(file.name) or is_index(file.name):
        return True
    if file.name.lower().endswith(DICOM_SUFFIXES) or not OTHER_KIND.fullmatch(file.name):
        return False
    try:
        return not is_dicom(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}).", "Check the file.") from error


def _holds_image(dataset: pydicom.Dataset) -> bool:
    """Tell whether a dataset is an image, by its class too: one that was cut off before its rows is not to be passed over."""
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if kind in SEGMENTATIONS:
        return False
    return any(tag in dataset for tag in IMAGE_TAGS) or getattr(kind, "name", "").endswith("Image Storage")


def _check_whole(file: str, dataset: pydicom.Dataset) -> None:
    """Raise a UserError for an image that was cut off before it could say which series it belongs to."""
    if not any(tag in dataset for tag in (*IMAGE_TAGS, "SeriesInstanceUID")):
        raise UserError(f"{file}: a DICOM image that ends early, in its header.", "Export it again.")


def read_header(path: Path) -> pydicom.Dataset:
    """Return all of a DICOM file but its pixels.

    Raises:
        UserError: when it is none, or damaged.
    """
    try:
        with path.open("rb") as stream:
            return _read(str(path), stream)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).", "Check the file.") from error


def _read(file: str, stream: BinaryIO, pixels: bool = False) -> pydicom.Dataset:
    """Read a dataset, with or without its pixels.

    Raises:
        UserError: when it is none, damaged, or inflates to more than `most_bytes`.
    """
    try:
        read_preamble(stream, False)
        syntax = _read_file_meta_info(stream).get("TransferSyntaxUID")
        if syntax == DeflatedExplicitVRLittleEndian:
            _check_deflated(file, stream)
        stream.seek(0)
        with quiet_pydicom():
            return pydicom.dcmread(stream, stop_before_pixels=not pixels)
    except InvalidDicomError as error:
        raise UserError(f"{file}: not a DICOM file.", "Remove it from the folder.") from error
    except UserError:
        raise
    except Exception as error:  # pydicom raises many types for damaged files
        raise UserError(f"{file}: a damaged DICOM file ({error or type(error).__name__}).", "Export it again.") from error


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's own warnings and tracebacks from the console; what stops a file is said once, by a UserError."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)  # its children have no level of their own
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _check_deflated(file: str, stream: BinaryIO) -> None:
    inflate, size, packed = zlib.decompressobj(-zlib.MAX_WBITS), 0, b"-"
    while packed and not inflate.eof:
        packed = inflate.unconsumed_tail or stream.read(CHUNK)
        size += len(inflate.decompress(packed, CHUNK))
        check_size(file, size)


def _read_zip(path: Path) -> Iterator[DicomImage]:
    try:
        archive = zipfile.ZipFile(path)
        members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
        if len(members) > MOST_MEMBERS:
            raise UserError(f"{path}: {len(members)} files in a zip.", "Give a zip of one study.")
        size = packed = 0
        for info in members:
            file = f"{path}/{info.filename}"
            with archive.open(info) as stream:
                if stream.read(MARK_END)[-len(MARK) :] != MARK:
                    continue
                size, packed = size + info.file_size, packed + info.compress_size
                check_size(path, size)
                if size > max(FREE_BYTES, MOST_RATIO * packed):
                    raise UserError(
                        f"{path}: {packed} bytes that unpack to {size}, which images never do.", "Export the study again, unpacked."
                    )
                stream.seek(0)
                dataset = _read(file, stream)
            if _holds_image(dataset):
                _check_whole(file, dataset)
                yield DicomImage(file, dataset, path, (archive, info))
    except ZIP_ERRORS as error:
        raise UserError(f"{path}: cannot be unpacked ({error}).", "Export the study again, without a password.") from error
