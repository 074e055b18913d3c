"""Read a DICOM series as one volume, or refuse it with the reason."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from monai.data import ImageReader
from monai.utils import ensure_tuple
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_modality_lut

from ..errors import UserError

TOLERANCE = 0.02  # share of the slice spacing by which positions may differ from even ones
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class DicomSeriesReader(ImageReader):
    """Read a folder or a file of single-frame DICOM images.

    Slices are sorted by their position along the normal, never by name or instance number. Slope and intercept are
    applied slice by slice in float32. MONOCHROME1 is inverted, so that bright stays bright.

    Raises:
        UserError: for files that are no DICOM images, several series in one folder, colour, several frames, slices of
            different shape or orientation, doubled or missing slices, gantry tilt, or no geometry.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> list[pydicom.Dataset]:
        return read_slices(Path(ensure_tuple(data)[0]))

    def get_data(self, img: list[pydicom.Dataset]) -> tuple[np.ndarray, dict]:
        volume = np.stack([_pixels(dataset) for dataset in img], axis=-1)
        affine = series_affine(img)
        meta = {
            "affine": affine.copy(),
            "original_affine": affine,
            "spatial_shape": np.asarray(volume.shape),
            "original_channel_dim": "no_channel",
            "space": "RAS",
        }
        return volume, meta


def read_slices(path: Path) -> list[pydicom.Dataset]:
    """Read the images of one series, sorted along the normal."""
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")) if path.is_dir() else [path]
    slices = []
    for file in files:
        try:
            dataset = pydicom.dcmread(file)
        except (InvalidDicomError, OSError, EOFError) as error:
            raise UserError(f"{file}: not a DICOM file.", "Remove it from the folder.") from error
        if "PixelData" in dataset:
            slices.append(dataset)
    if not slices:
        raise UserError(f"{path}: no DICOM images.", "Give a folder with one series.")
    _check_series(path, slices)
    if len(slices) == 1:
        return slices
    normal = _normal(slices[0])
    slices.sort(key=lambda dataset: float(np.dot(normal, dataset.ImagePositionPatient)))
    _check_positions(path, slices, normal)
    return slices


def series_affine(slices: list[pydicom.Dataset]) -> np.ndarray:
    """Return the affine in RAS of an array ``(columns, rows, slices)``."""
    first, last = slices[0], slices[-1]
    orientation = np.asarray(first.ImageOrientationPatient, dtype=float)
    rows, columns = (float(value) for value in first.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = orientation[:3] * columns, orientation[3:] * rows
    affine[:3, 3] = first.ImagePositionPatient
    if len(slices) > 1:
        step = np.subtract(last.ImagePositionPatient, first.ImagePositionPatient).astype(float) / (len(slices) - 1)
    else:
        step = _normal(first) * float(first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1.0)
    affine[:3, 2] = step
    return LPS_TO_RAS @ affine


def _normal(dataset: pydicom.Dataset) -> np.ndarray:
    orientation = np.asarray(dataset.ImageOrientationPatient, dtype=float)
    return np.cross(orientation[:3], orientation[3:])


def _pixels(dataset: pydicom.Dataset) -> np.ndarray:
    pixels = apply_modality_lut(dataset.pixel_array, dataset).astype(np.float32)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = pixels.max() + pixels.min() - pixels
    return pixels.T


def _check_series(path: Path, slices: list[pydicom.Dataset]) -> None:
    series = {dataset.get("SeriesInstanceUID") for dataset in slices}
    if len(series) > 1:
        numbers = ", ".join(sorted({str(dataset.get("SeriesNumber", "?")) for dataset in slices}))
        raise UserError(f"{path}: {len(series)} series in one folder (numbers {numbers}).", "Give each series a folder of its own.")
    for dataset in slices:
        file = dataset.filename
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise UserError(f"{file}: a colour image.", "Give a grayscale series.")
        if int(dataset.get("NumberOfFrames", 1)) > 1:
            raise UserError(f"{file}: several frames in one file.", "Convert it to single-frame DICOM or NIfTI first.")
        for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            if tag not in dataset:
                raise UserError(f"{file}: {tag} is missing, so the image has no place in space.", "Export the series anew.")
    first = slices[0]
    for dataset in slices[1:]:
        if (dataset.Rows, dataset.Columns) != (first.Rows, first.Columns):
            raise UserError(f"{dataset.filename}: slices of different size (a localizer?).", "Give one series of equal slices.")
        if not np.allclose(dataset.ImageOrientationPatient, first.ImageOrientationPatient, atol=1e-3):
            raise UserError(
                f"{dataset.filename}: slices of different orientation (a localizer?).", "Give one series of parallel slices."
            )


def _check_positions(path: Path, slices: list[pydicom.Dataset], normal: np.ndarray) -> None:
    positions = np.array([dataset.ImagePositionPatient for dataset in slices], dtype=float)
    depth = positions @ normal
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    if gaps.min() < 1e-3:
        index = int(gaps.argmin())
        raise UserError(f"{path}: two slices at the same position ({slices[index + 1].filename}).", "Remove the doubled slices.")
    if np.abs(gaps - usual).max() > TOLERANCE * usual + 1e-3:
        index = int(np.abs(gaps - usual).argmax())
        found = f"a gap of {gaps[index]:.2f} mm after {Path(slices[index].filename).name} where {usual:.2f} mm is usual"
        raise UserError(f"{path}: uneven slices, {found}.", "Slices are missing; export the whole series.")
    drift = positions - positions[0] - np.outer(depth - depth[0], normal)
    if np.abs(drift).max() > 0.1 * usual:
        raise UserError(
            f"{path}: slices are sheared against each other (gantry tilt).", "Correct the tilt first, then convert to NIfTI."
        )
