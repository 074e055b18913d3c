"""The frames of DICOM images, single and enhanced multi-frame alike."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from ..cases.cases import is_zip
from ..errors import ZIP_ERRORS, UserError
from .pydicom_versions import apply_modality_lut

MOST_BYTES = 8 * 2**30  # of a zipped study
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")


@dataclass(frozen=True)
class Frame:
    """One slice.

    Attributes:
        file: where it comes from, for messages.
        dataset: the image that holds it.
        number: of the frame in a multi-frame image, from 0; None where the image is the frame.
        position: of its first pixel's centre, mm, LPS.
        orientation: directions of rows and columns, LPS.
        spacing: mm between rows and between columns.
        thickness: mm between slices as the file says, or their thickness, or 1.
    """

    file: str
    dataset: pydicom.Dataset
    number: int | None
    position: np.ndarray
    orientation: np.ndarray
    spacing: tuple[float, float]
    thickness: float

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.dataset.Rows), int(self.dataset.Columns)

    def pixels(self) -> np.ndarray:
        """Return ``(columns, rows)`` in float32, slope and intercept applied."""
        if self.number is None:
            return apply_modality_lut(self.dataset.pixel_array, self.dataset).astype(np.float32).T
        stored = self.dataset.pixel_array.reshape(-1, *self.shape)[self.number].astype(np.float32)
        rescale = _item(self.dataset, self.number, "PixelValueTransformationSequence")
        if rescale is None:
            return apply_modality_lut(stored, self.dataset).astype(np.float32).T
        return (stored * float(rescale.RescaleSlope) + float(rescale.RescaleIntercept)).T


def read_images(path: Path) -> Iterator[tuple[str, pydicom.Dataset]]:
    """Yield name and dataset of every DICOM image in a file, directly in a folder, or anywhere in a zip.

    Other members of a zip are passed over, since exported studies carry viewers and indices.

    Raises:
        UserError: when a file or the zip is damaged, or a zip unpacks to more than `MOST_BYTES`.
    """
    if is_zip(path):
        yield from _read_zip(path)
        return
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")) if path.is_dir() else [path]
    for file in files:
        try:
            dataset = pydicom.dcmread(file)
        except (InvalidDicomError, OSError, EOFError) as error:
            raise UserError(f"{file}: not a DICOM file.", "Remove it from the folder.") from error
        if "PixelData" in dataset:
            yield str(file), dataset


def frames_of(file: str, dataset: pydicom.Dataset) -> list[Frame]:
    """Return the frames of an image.

    Raises:
        UserError: for colour, and for frames without a place in space.
    """
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise UserError(f"{file}: a colour image.", "Give a grayscale series.")
    if "PerFrameFunctionalGroupsSequence" in dataset:
        return [_enhanced_frame(file, dataset, number) for number in range(len(dataset.PerFrameFunctionalGroupsSequence))]
    if int(dataset.get("NumberOfFrames", 1)) > 1:
        raise UserError(f"{file}: several frames without a place in space.", "Export it as an enhanced or a single-frame series.")
    for tag in GEOMETRY:
        if tag not in dataset:
            raise UserError(f"{file}: {tag} is missing, so the image has no place in space.", "Export the series anew.")
    return [_frame(file, dataset, None, dataset, dataset, dataset)]


def _enhanced_frame(file: str, dataset: pydicom.Dataset, number: int) -> Frame:
    names = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    items = [_item(dataset, number, name) for name in names]
    for name, item in zip(names, items, strict=True):
        if item is None:
            raise UserError(f"{file}: frame {number + 1} has no {name}, so no place in space.", "Export the series anew.")
    return _frame(file, dataset, number, *items)


def _frame(file: str, dataset: pydicom.Dataset, number: int | None, position, orientation, measures) -> Frame:
    thickness = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0
    return Frame(
        file,
        dataset,
        number,
        np.asarray(position.ImagePositionPatient, dtype=float),
        np.asarray(orientation.ImageOrientationPatient, dtype=float),
        (float(measures.PixelSpacing[0]), float(measures.PixelSpacing[1])),
        float(thickness),
    )


def _item(dataset: pydicom.Dataset, number: int, name: str) -> pydicom.Dataset | None:
    """Return a functional group's item, that of the frame before that of all frames."""
    groups = [dataset.PerFrameFunctionalGroupsSequence[number], *dataset.get("SharedFunctionalGroupsSequence", [])]
    return next((group[name][0] for group in groups if name in group), None)


def _read_zip(path: Path) -> Iterator[tuple[str, pydicom.Dataset]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise UserError(f"{path}: unpacks to more than {MOST_BYTES // 2**30} GiB.", "Give a zip of one study.")
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                content = archive.read(info) if not info.is_dir() else b""
                if content[128:132] == b"DICM":
                    dataset = pydicom.dcmread(io.BytesIO(content))
                    if "PixelData" in dataset:
                        yield f"{path}/{info.filename}", dataset
    except ZIP_ERRORS as error:
        raise UserError(f"{path}: cannot be unpacked ({error}).", "Export the study again, without a password.") from error
