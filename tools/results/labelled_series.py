"""A DICOM series and its mask, slice by slice."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.valuerep import DA, TM

from custom_networks.cases.cases import is_zip, split_series
from custom_networks.cases.suffixes import IMAGE_SUFFIXES
from custom_networks.errors import UserError
from custom_networks.readers.dicom_files import read_images
from custom_networks.readers.dicom_series import read_frames, series_affine
from custom_networks.readers.modality import KINDRED
from custom_networks.readers.radiograph import radiograph_affine

AFFINE_TOLERANCE = 1e-2  # mm
IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")  # by which results refer to their images
# What results repeat of their images, which must stand there and may be empty: programs that remove names remove them altogether
REPEATED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber",
    "ReferringPhysicianName",
)  # fmt: skip
DATES, TIMES, SEXES = ("PatientBirthDate", "StudyDate"), ("StudyTime",), ("", "M", "F", "O")

logger = logging.getLogger("axial")


@dataclass(frozen=True)
class LabelledSeries:
    """A mask on the grid of its DICOM images.

    Attributes:
        places: the image of each slice, without pixels, and the slice's frame in it from 0; None where the image is the slice.
        array: the mask, ``(columns, rows, slices)``.
        affine: of the mask, RAS, mm; None for a radiograph, which has no place in space.
    """

    places: list[tuple[pydicom.Dataset, int | None]]
    array: np.ndarray
    affine: np.ndarray | None

    @property
    def images(self) -> list[pydicom.Dataset]:
        """The images, each once, without pixels."""
        return list({id(image): image for image, _ in self.places}.values())

    @property
    def values(self) -> list[int]:
        """The labels that were found, without the background."""
        return [int(value) for value in np.unique(self.array) if value]


def read_labelled_series(source: str | Path, mask_path: Path) -> LabelledSeries:
    """Return a series, or a radiograph, with its mask.

    What results repeat of their images is there afterwards, empty where the images lack it or hold what DICOM does not allow.

    Args:
        source: the DICOM series' folder, its file or its zip; ``path#number`` where there are several series; or a radiograph.
        mask_path: the label map on the images' own grid, as a bundle writes it.

    Raises:
        UserError: when the source is no DICOM or lacks a UID that results refer to, or the mask is empty or of another grid.
    """
    path = split_series(source)[0]
    if path.name.lower().endswith(IMAGE_SUFFIXES):
        raise UserError(
            f"{source}: no DICOM, whose images a DICOM object has to refer to.", "Use --seg-nrrd, or give the DICOM series."
        )
    radiograph = find_radiograph(path)
    if radiograph is None:
        slices = read_frames(source)
        places, affine = [(frame.dataset, frame.number) for frame in slices], series_affine(slices)
        expected = affine
    else:
        places, affine, expected = [(radiograph, None)], None, radiograph_affine(radiograph)[0]
    mask = nibabel.load(mask_path)
    array = np.asarray(mask.dataobj)
    array = array[..., None] if array.ndim == 2 else array
    labelled = LabelledSeries(places, array, affine)
    for image in labelled.images:
        _complete(image, source, IDENTITY if affine is None else (*IDENTITY, "FrameOfReferenceUID"))
    first = places[0][0]
    if array.shape != (first.Columns, first.Rows, len(places)) or np.abs(mask.affine - expected).max() > AFFINE_TOLERANCE:
        raise UserError(f"{mask_path}: another grid than {source}.", "Segment the DICOM series itself.")
    if not array.any():
        raise UserError(f"{mask_path}: nothing was found, and DICOM has no empty segmentation.", "Use the NIfTI mask.")
    return labelled


def _complete(image: pydicom.Dataset, source: str | Path, identity: Sequence[str]) -> None:
    """Make sure that an image has what results repeat of it."""
    for tag in identity:
        if not image.get(tag):
            problem = f"{source}: no {tag}, by which results refer to their images."
            raise UserError(problem, "Use --seg-nrrd, or export the images again.")
    for tag in REPEATED:
        value = image.get(tag)
        try:
            fits = tag not in (*DATES, *TIMES, "PatientSex") or not value
            fits = fits or (str(value) in SEXES if tag == "PatientSex" else bool((DA if tag in DATES else TM)(value)))
        except (ValueError, TypeError):
            fits = False
        if not fits:
            logger.warning("%s: %s holds what DICOM does not allow; left empty in what is exported.", source, tag)
        if value is None or not fits:
            setattr(image, tag, "")


def find_radiograph(path: Path) -> pydicom.Dataset | None:
    """Return the image of a file that is a radiograph, None for anything else."""
    if path.is_dir() or is_zip(path):
        return None
    (image,) = read_images(path)
    is_projection = str(image.dataset.get("Modality") or "").upper() in KINDRED["DX"]
    return image.dataset if is_projection and not image.dataset.get("ImagePositionPatient") else None
