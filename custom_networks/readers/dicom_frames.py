"""The frames of DICOM images, single and enhanced multi-frame alike."""

from dataclasses import dataclass

import numpy as np
import pydicom

from ..errors import UserError
from .dicom_files import DicomImage
from .dicom_pixels import EXPORT, check_gray, rescaled, stored_pixels

GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
TAG_ERRORS = (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError, NotImplementedError)  # of odd values
UNIT_TOLERANCE = 0.01  # by which a direction's length may differ from 1, and two directions from a right angle


@dataclass(frozen=True)
class Frame:
    """One slice.

    Attributes:
        image: that holds it.
        number: of the frame in a multi-frame image, from 0; None where the image is the frame.
        position: of its first pixel's centre, mm, LPS.
        orientation: directions of rows and columns, LPS.
        spacing: mm between rows and between columns.
        thickness: mm between slices as the file says, or their thickness, or 1.
    """

    image: DicomImage
    number: int | None
    position: np.ndarray
    orientation: np.ndarray
    spacing: tuple[float, float]
    thickness: float

    @property
    def file(self) -> str:
        return self.image.file

    @property
    def dataset(self) -> pydicom.Dataset:
        """Everything of the image but its pixels."""
        return self.image.dataset

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.dataset.Rows), int(self.dataset.Columns)


def frames_of(image: DicomImage) -> list[Frame]:
    """Return the frames of an image.

    Raises:
        UserError: for colour, localizers, tags that are missing or odd, and frames without a place in space.
    """
    try:
        check_gray(image)
        if "LOCALIZER" in (image.dataset.get("ImageType") or ()):
            raise UserError(f"{image.file}: a localizer.", "Give the series that was planned on it.")
        return _frames_of(image)
    except TAG_ERRORS as error:
        raise UserError(f"{image.file}: odd values of DICOM tags ({error}).", EXPORT) from error


def frame_pixels(image: DicomImage, frames: list[Frame]) -> list[np.ndarray]:
    """Return ``(columns, rows)`` in float32 of frames of one image, slope and intercept applied, padding as NaN.

    Raises:
        UserError: names the file whose pixels cannot be read.
    """
    try:
        stored, padding, dataset = stored_pixels(image)
        pixels = []
        for frame in frames:
            number = frame.number or 0
            item = None if frame.number is None else _item(dataset, number, "PixelValueTransformationSequence")
            values = rescaled(image.file, dataset, stored[number], item).astype(np.float32)
            if padding is not None:
                values[padding[number]] = np.nan
            pixels.append(values.T)
        return pixels
    except TAG_ERRORS as error:
        raise UserError(f"{image.file}: its pixels cannot be read ({error}).", EXPORT) from error


def _frames_of(image: DicomImage) -> list[Frame]:
    file, dataset = image.file, image.dataset
    if "PerFrameFunctionalGroupsSequence" in dataset:
        count = int(dataset.get("NumberOfFrames") or 1)
        if count != len(dataset.PerFrameFunctionalGroupsSequence):
            raise UserError(f"{file}: {count} frames, but places of {len(dataset.PerFrameFunctionalGroupsSequence)}.", EXPORT)
        return [_enhanced_frame(image, number) for number in range(count)]
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise UserError(f"{file}: several frames without a place in space.", "Export it as an enhanced or a single-frame series.")
    for tag in GEOMETRY:
        if not dataset.get(tag):
            raise UserError(f"{file}: {tag} is missing, so the image has no place in space.", EXPORT)
    return [_frame(image, None, dataset, dataset, dataset)]


def _enhanced_frame(image: DicomImage, number: int) -> Frame:
    names = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    items = [_item(image.dataset, number, name) for name in names]
    for name, item in zip(names, items, strict=True):
        if item is None:
            raise UserError(f"{image.file}: frame {number + 1} has no {name}, so no place in space.", EXPORT)
    return _frame(image, number, *items)


def _frame(image: DicomImage, number: int | None, position, orientation, measures) -> Frame:
    thickness = [measures.get(tag) for tag in ("SpacingBetweenSlices", "SliceThickness")]
    place = _numbers(image.file, position, "ImagePositionPatient", 3)
    directions = _numbers(image.file, orientation, "ImageOrientationPatient", 6)
    spacing = _numbers(image.file, measures, "PixelSpacing", 2)
    lengths = np.array([directions[:3] @ directions[:3], directions[3:] @ directions[3:], directions[:3] @ directions[3:]])
    if np.abs(lengths - (1, 1, 0)).max() > UNIT_TOLERANCE:
        raise UserError(f"{image.file}: ImageOrientationPatient holds no two directions at right angles.", EXPORT)
    if spacing.min() <= 0:
        raise UserError(f"{image.file}: PixelSpacing is {spacing[0]:g} x {spacing[1]:g} mm.", EXPORT)
    usual = next((float(value) for value in thickness if value not in (None, "") and 0 < float(value) < np.inf), 1.0)
    return Frame(image, number, place, directions, (float(spacing[0]), float(spacing[1])), usual)


def _numbers(file: str, item: pydicom.Dataset, tag: str, count: int) -> np.ndarray:
    values = np.asarray(item.get(tag) or (), dtype=float).ravel()
    if len(values) != count or not np.isfinite(values).all():
        raise UserError(f"{file}: {tag} is {values.tolist()}, not {count} numbers.", EXPORT)
    return values


def _item(dataset: pydicom.Dataset, number: int, name: str) -> pydicom.Dataset | None:
    """Return a functional group's item, that of the frame before that of all frames."""
    groups = [dataset.PerFrameFunctionalGroupsSequence[number], *(dataset.get("SharedFunctionalGroupsSequence") or [])]
    return next((group[name][0] for group in groups if name in group), None)
