"""Read a DICOM radiograph as it is shown."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from monai.data import ImageReader
from monai.utils import ensure_tuple

from ..cases.cases import is_zip
from ..errors import UserError
from .dicom_files import DicomImage, read_images
from .dicom_frames import TAG_ERRORS
from .dicom_pixels import EXPORT, check_gray, rescaled, stored_pixels
from .meta_data import Meta, meta_data
from .picture import PICTURE_AFFINE
from .pydicom_versions import apply_voi_lut

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


class RadiographReader(ImageReader):
    """Read a DICOM file of one frame (CR, DX, secondary capture) as ``(columns, rows)`` in float32.

    Modality LUT and the first window or VOI LUT are applied, MONOCHROME1 is inverted, so pixels are as a viewer shows them.
    Columns run to the patient's left and rows down, unless PatientOrientation says otherwise. The spacing is the first of
    `SPACINGS` in the file, for that of the detector is what most radiographs have; without one pixels are counted, and
    ``spatial_unit`` is ``"pixel"``.

    Raises:
        UserError: for files that are no DICOM images, colour, several frames, and pixels that are damaged or cannot be unpacked.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> DicomImage:
        path = Path(ensure_tuple(data)[0])
        if path.is_dir() or is_zip(path):
            raise UserError(f"{path}: a folder or a zip.", "Give DICOM radiographs, one a file.")
        (image,) = read_images(path)
        try:
            check_gray(image)
            if int(image.dataset.get("NumberOfFrames") or 1) > 1:
                raise UserError(f"{path}: several frames in one file.", "Give one radiograph a file.")
            radiograph_affine(image.dataset)
        except TAG_ERRORS as error:
            raise UserError(f"{path}: odd values of DICOM tags ({error}).", EXPORT) from error
        return image

    def get_data(self, img: DicomImage) -> tuple[np.ndarray, Meta]:
        stored, padding, dataset = stored_pixels(img)
        pixels = rescaled(img.file, dataset, stored[0])
        remarks = []
        try:
            pixels = apply_voi_lut(pixels, dataset, index=0)
        except TAG_ERRORS as error:
            remarks.append(f"its window cannot be applied ({error}); shown without")
        pixels = pixels.astype(np.float32)
        inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        if padding is not None:
            seen = pixels[~padding[0]]
            pixels[padding[0]] = seen.max() if inverted else seen.min()
        if inverted:
            pixels = pixels.max() + pixels.min() - pixels
        pixels = pixels.T
        affine, unit = radiograph_affine(dataset)
        return pixels, meta_data(affine, pixels.shape, remarks, spatial_unit=unit, modality=str(dataset.get("Modality") or ""))


def radiograph_affine(dataset: pydicom.Dataset) -> tuple[np.ndarray, str]:
    """Return the affine of an array ``(columns, rows)`` and its unit, ``"mm"`` or ``"pixel"``.

    A frontal radiograph has no place in space; its columns are laid along the patient's left, its rows along the second axis, as
    ITK does for pictures.
    """
    found = [dataset[name].value for name in SPACINGS if dataset.get(name)]
    rows, columns = (float(value) for value in found[0]) if found else (1.0, 1.0)
    if not (0 < rows < np.inf and 0 < columns < np.inf):
        raise ValueError(f"a spacing of {rows:g} x {columns:g} mm")
    affine = PICTURE_AFFINE @ np.diag([columns, rows, 1.0, 1.0])
    directions = [str(value) for value in dataset.get("PatientOrientation") or ()]
    for axis, (direction, backwards) in enumerate(zip(directions[:2], "RH", strict=False)):
        if direction.startswith(backwards):
            affine[:3, axis] *= -1
    return affine, "mm" if found else "pixel"
