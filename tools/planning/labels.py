"""Read label maps of any form that users draw them in, onto the grid of their image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import highdicom
import nrrd
import numpy as np
import torch
from monai.data import MetaTensor

from custom_networks.cases.cases import is_dicom
from custom_networks.errors import UserError
from custom_networks.readers.detached import LPS_TO_RAS
from custom_networks.readers.dicom_files import SEGMENTATIONS, read_header
from custom_networks.transforms.loading.load_radiograph import LoadRadiographd
from custom_networks.transforms.loading.load_volume import LoadVolumed

from ..datasets.slices import read_label_picture
from .colours import read_colours
from .entries import LabelledCase, is_picture
from .sources import Source

MOST_LABEL = 255
GRID_TOLERANCE = 1e-2  # mm by which the affine of a label map on its image's grid may differ
STEP_TOLERANCE = 0.05  # of a voxel, by which the corners of a label map may lie off the image's voxels
SHOWN = 5
SLICER = ".seg.nrrd"


@dataclass(frozen=True)
class Label:
    """A label map on the grid of its image.

    Attributes:
        values: of the image's shape, uint8.
        exact: whether the file itself lies on the image's grid, so that it can be trained on as it is.
        names: label value to name, as far as the file tells.
    """

    values: np.ndarray
    exact: bool = True
    names: Mapping[int, str] = field(default_factory=dict)


def read_label(case: LabelledCase, image: MetaTensor, source: Source) -> Label:
    """Read a case's label map: NIfTI, NRRD, MetaImage, a picture, Slicer's ``.seg.nrrd`` or a DICOM Segmentation.

    A map whose voxels are those of the image, stored in another order, as converters from DICOM do, is turned. Segmentations may
    hold less than the image, as what is empty is left out.

    Args:
        case: whose label it is.
        image: ``(C, X, Y[, Z])``.
        source: of the case.

    Raises:
        UserError: for one that cannot be read, lies on another grid, or has values that are not labels.
    """
    path, shape = case.label, tuple(image.shape[1:])
    if is_picture(path):
        values = read_colours(path, source.colours) if source.colours else read_label_picture(path, MOST_LABEL)
        values = values[..., None] if len(shape) == 3 and shape[2] == 1 else values
        _check_shape(case, values.shape, shape)
        return Label(values)
    cropped, names = path.name.lower().endswith(SLICER), {}
    if is_dicom(path):
        cropped = True
        values, affine, names = _read_segmentation(path)
    else:
        load = LoadRadiographd("label", quiet=True) if source.pictures else LoadVolumed("label", quiet=True)
        label = load({"label": str(path)})["label"]
        values, affine = torch.as_tensor(label).numpy(), np.asarray(label.affine, float)
        names = _slicer_names(path) if cropped else {}
    wanted = np.asarray(image.affine, float)
    if values.shape == shape and np.abs(affine - wanted).max() <= GRID_TOLERANCE:
        return Label(_codes(path, values), not (cropped or is_dicom(path)), names)
    placed = on_grid(_codes(path, values), affine, shape, wanted, cropped)
    if placed is None:
        _check_shape(case, values.shape, shape)
        raise UserError(
            f"{path}: lies elsewhere than {case.images[0].name} (affines differ by {np.abs(affine - wanted).max():.3g} mm).",
            "Resample it to the image's grid.",
        )
    return Label(placed, False, names)


def on_grid(
    values: np.ndarray, affine: np.ndarray, shape: tuple[int, ...], wanted: np.ndarray, cropped: bool = False
) -> np.ndarray | None:
    """Return a label map on another grid that has the same voxels in another order, None where it has not.

    Args:
        values: ``(X, Y[, Z])``.
        affine: of the values, ``(4, 4)``.
        shape: of the grid.
        wanted: affine of the grid.
        cropped: whether the map may be smaller than the grid; what lies outside must be background.
    """
    volume = values.reshape((*values.shape, 1)[:3])
    size = np.array((*shape, 1)[:3])
    to_grid = np.linalg.inv(wanted) @ affine
    corner, steps = to_grid[:3, 3].round().astype(int), to_grid[:3, :3].round().astype(int)
    long = np.array(volume.shape) > 1  # an axis of one voxel has no direction
    ends = np.diag(np.array(volume.shape) - 1)[:, long]
    off = np.abs(to_grid[:3, :3] @ ends - steps @ ends).max(initial=0) + np.abs(to_grid[:3, 3] - corner).max()
    unit = (np.abs(steps[:, long]).sum(0) == 1).all() and (np.abs(steps[:, long]).sum(1) <= 1).all()
    if off > STEP_TOLERANCE or not unit or not (cropped or volume.size == size.prod()):
        return None
    found = np.argwhere(volume) if cropped else np.argwhere(np.ones(volume.shape, bool))
    places = corner + found @ np.where(long, steps, 0).T
    if ((places < 0) | (places >= size)).any():
        return None
    result = np.zeros(size, volume.dtype)
    result[tuple(places.T)] = volume[tuple(found.T)]
    return result.reshape(shape)


def _read_segmentation(path: Path) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Return the labels of a DICOM Segmentation, its affine and the names of its segments."""
    header = read_header(path)
    if header.get("SOPClassUID") not in SEGMENTATIONS:
        kind = getattr(header.get("SOPClassUID"), "name", "an object of no class")
        raise UserError(f"{path}: {kind}, no DICOM Segmentation.", "Give labels as DICOM Segmentation, NIfTI or NRRD.")
    try:
        segmentation = highdicom.seg.segread(path)
        volume = segmentation.get_volume(combine_segments=True, relabel=False)
        numbers = [number for number in segmentation.segment_numbers if number]
        names = {number: segmentation.get_segment_description(number).segment_label for number in numbers}
    except Exception as error:  # highdicom raises many types
        raise UserError(f"{path}: its segments cannot be read as one label map ({error}).", "Segments must not overlap.") from error
    return np.asarray(volume.array), LPS_TO_RAS @ volume.affine, names


def _slicer_names(path: Path) -> dict[int, str]:
    with path.open("rb") as stream:
        header = nrrd.read_header(stream)
    segments = [key.removesuffix("_LabelValue") for key in header if key.startswith("Segment") and key.endswith("_LabelValue")]
    return {int(header[f"{key}_LabelValue"]): str(header.get(f"{key}_Name", key)) for key in segments}


def _check_shape(case: LabelledCase, found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if found != shape:
        sizes, wanted = ("x".join(map(str, size)) for size in (found, shape))
        raise UserError(f"{case.label}: {sizes} voxels, but {case.images[0].name} has {wanted}.", "Draw it on the image's grid.")


def _codes(path: Path, values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        codes = values.astype(np.uint8)
    wrong = np.unique(values[codes != values])
    if len(wrong):
        listed = ", ".join(f"{value:g}" for value in wrong[:SHOWN]) + (", ..." if len(wrong) > SHOWN else "")
        raise UserError(f"{path}: values {listed} are not labels.", f"Give whole numbers from 0 to {MOST_LABEL}.")
    return codes
