"""Read a DICOM radiograph as it is shown."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from monai.data import ImageReader
from monai.utils import ensure_tuple
from pydicom.errors import InvalidDicomError

from ..errors import UserError
from .picture import PICTURE_AFFINE
from .pydicom_versions import apply_modality_lut, apply_voi_lut

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


class RadiographReader(ImageReader):
    """Read a DICOM file of one frame (CR, DX, secondary capture) as ``(columns, rows)`` in float32.

    Modality LUT and the first window or VOI LUT are applied, MONOCHROME1 is inverted, so pixels are as a viewer shows them.
    Columns run to the patient's left and rows down, unless PatientOrientation says otherwise. The spacing is the first of
    `SPACINGS` in the file, for that of the detector is what most radiographs have; without one pixels are counted, and
    ``spatial_unit`` is ``"pixel"``.

    Raises:
        UserError: for files that are no DICOM images, colour, or several frames.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> pydicom.Dataset:
        path = Path(ensure_tuple(data)[0])
        try:
            dataset = pydicom.dcmread(path)
        except (InvalidDicomError, OSError, EOFError) as error:
            raise UserError(f"{path}: not a DICOM file.", "Give a DICOM radiograph.") from error
        if "PixelData" not in dataset:
            raise UserError(f"{path}: no pixels in this DICOM file.", "Give the file of the image.")
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise UserError(f"{path}: a colour image.", "Give a grayscale radiograph.")
        if int(dataset.get("NumberOfFrames", 1)) > 1:
            raise UserError(f"{path}: several frames in one file.", "Give one radiograph a file.")
        return dataset

    def get_data(self, img: pydicom.Dataset) -> tuple[np.ndarray, dict]:
        pixels = apply_voi_lut(apply_modality_lut(img.pixel_array, img), img, index=0).astype(np.float32)
        if img.PhotometricInterpretation == "MONOCHROME1":
            pixels = pixels.max() + pixels.min() - pixels
        pixels = pixels.T
        affine, unit = radiograph_affine(img)
        meta = {
            "affine": affine.copy(),
            "original_affine": affine,
            "spatial_shape": np.asarray(pixels.shape),
            "original_channel_dim": "no_channel",
            "space": "RAS",
            "spatial_unit": unit,
        }
        return pixels, meta


def radiograph_affine(dataset: pydicom.Dataset) -> tuple[np.ndarray, str]:
    """Return the affine of an array ``(columns, rows)`` and its unit, ``"mm"`` or ``"pixel"``.

    A frontal radiograph has no place in space; its columns are laid along the patient's left, its rows along the second axis, as
    ITK does for pictures.
    """
    found = [dataset[name].value for name in SPACINGS if dataset.get(name)]
    rows, columns = (float(value) for value in found[0]) if found else (1.0, 1.0)
    affine = PICTURE_AFFINE @ np.diag([columns, rows, 1.0, 1.0])
    directions = [str(value) for value in dataset.get("PatientOrientation") or ()]
    for axis, (direction, backwards) in enumerate(zip(directions[:2], "RH", strict=False)):
        if direction.startswith(backwards):
            affine[:3, axis] *= -1
    return affine, "mm" if found else "pixel"
