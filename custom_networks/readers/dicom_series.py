"""Read a DICOM series as one volume, or refuse it with the reason."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple

from ..cases.cases import split_series
from ..errors import UserError
from .bounded import check_size
from .detached import LPS_TO_RAS
from .dicom_files import DicomImage, read_images
from .dicom_frames import Frame, frame_pixels, frames_of
from .meta_data import Meta, meta_data

TOLERANCE = 0.02  # share of the slice spacing by which positions may differ from even ones


class DicomSeriesReader(ImageReader):
    """Read a DICOM file, a folder of files or a zipped study: single-frame or enhanced multi-frame images of one series.

    Headers are read first, pixels of the chosen series alone. Slices are sorted by their position along the normal, never by name
    or instance number. Slope and intercept are applied slice by slice in float32. MONOCHROME1 is inverted, so that bright stays
    bright; padding gets the darkest value. ``study.zip#3`` is series 3 of a study.

    Raises:
        UserError: names the file: no DICOM image; pixels that are missing, damaged or cannot be unpacked; several series where none
            is chosen; colour; localizers; slices of different shape or orientation, doubled or missing; gantry tilt; no geometry.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> list[Frame]:
        return read_frames(ensure_tuple(data)[0])

    def get_data(self, img: list[Frame]) -> tuple[np.ndarray, Meta]:
        first = img[0]
        volume = np.empty((*first.shape[::-1], len(img)), np.float32, order="F")
        places: dict[int, list[int]] = {}  # of the slices of every image
        for index, frame in enumerate(img):
            places.setdefault(id(frame.image), []).append(index)
        for indices in places.values():
            frames = [img[index] for index in indices]
            for index, pixels in zip(indices, frame_pixels(frames[0].image, frames), strict=True):
                volume[..., index] = pixels
        inverted = first.dataset.PhotometricInterpretation == "MONOCHROME1"
        padding = np.isnan(volume)
        if padding.any():
            volume[padding] = np.nanmax(volume) if inverted else np.nanmin(volume)
        if inverted:
            volume = volume.max() + volume.min() - volume
        return volume, meta_data(series_affine(img), volume.shape, modality=str(first.dataset.get("Modality") or ""))


def read_frames(source: str | Path) -> list[Frame]:
    """Read the slices of one series without their pixels, sorted along the normal."""
    path, chosen = split_series(source)
    frames = [frame for image in _choose(path, chosen) for frame in frames_of(image)]
    _check_frames(frames)
    check_size(path, 4 * len(frames) * int(np.prod(frames[0].shape)))
    if len(frames) > 1:
        normal = frames[0].normal
        frames.sort(key=lambda frame: float(np.dot(normal, frame.position)))
        _check_positions(path, frames, normal)
    return frames


def series_affine(frames: list[Frame]) -> np.ndarray:
    """Return the affine in RAS of an array ``(columns, rows, slices)``."""
    first, last = frames[0], frames[-1]
    rows, columns = first.spacing
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.orientation[:3] * columns, first.orientation[3:] * rows
    affine[:3, 2] = (last.position - first.position) / (len(frames) - 1) if len(frames) > 1 else first.normal * first.thickness
    affine[:3, 3] = first.position
    return LPS_TO_RAS @ affine


def _choose(path: Path, chosen: str | None) -> list[DicomImage]:
    """Return the images of the chosen series, or of the only one."""
    images = list(read_images(path))
    if not images:
        raise UserError(f"{path}: no DICOM images.", "Give a folder with one series.")
    series: dict[str, list[DicomImage]] = {}
    for image in images:
        series.setdefault(str(image.dataset.get("SeriesInstanceUID") or "?"), []).append(image)
    lines = [_describe(uid, members) for uid, members in series.items()]
    if chosen is None:
        if len(series) > 1:
            raise UserError(f"{path}: {len(series)} series: {'; '.join(lines)}.", "Choose one with --series NUMBER.")
        return images
    fitting = [members for uid, members in series.items() if chosen in (uid, str(members[0].dataset.get("SeriesNumber", "?")))]
    if len(fitting) != 1:
        problem = "no such series" if not fitting else "that number is not unique, give the UID"
        raise UserError(f"{path}: series {chosen}: {problem}; there are {'; '.join(lines)}.", "Choose one with --series NUMBER.")
    return fitting[0]


def _describe(uid: str, members: list[DicomImage]) -> str:
    dataset = members[0].dataset
    parts = [str(dataset.get("Modality", "")), str(dataset.get("SeriesDescription", "")).strip(), f"{len(members)} files", uid]
    return f"number {dataset.get('SeriesNumber', '?')} ({', '.join(part for part in parts if part)})"


def _check_frames(frames: list[Frame]) -> None:
    """Compare all with the first of the most, so that the odd one is named."""
    forms = [(frame.shape, *frame.orientation.round(2)) for frame in frames]
    first = frames[forms.index(Counter(forms).most_common(1)[0][0])]
    for frame in frames:
        if frame.shape != first.shape or not np.allclose(frame.spacing, first.spacing, rtol=1e-3):
            raise UserError(f"{frame.file}: slices of different size (a localizer?).", "Give one series of equal slices.")
        if not np.allclose(frame.orientation, first.orientation, atol=1e-3):
            raise UserError(f"{frame.file}: slices of different orientation (a localizer?).", "Give one series of parallel slices.")
        if frame.dataset.PhotometricInterpretation != first.dataset.PhotometricInterpretation:
            raise UserError(f"{frame.file}: some slices are MONOCHROME1, some are not.", "Export the series again.")
        if frame.dataset.get("FrameOfReferenceUID") != first.dataset.get("FrameOfReferenceUID"):
            raise UserError(f"{frame.file}: slices of two examinations (FrameOfReferenceUID).", "Give the series of one.")


def _check_positions(path: Path, frames: list[Frame], normal: np.ndarray) -> None:
    positions = np.array([frame.position for frame in frames])
    depth = positions @ normal
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    if gaps.min() < 1e-3:
        index = int(gaps.argmin())
        both = " and ".join(dict.fromkeys(_name(frame) for frame in frames[index : index + 2]))
        raise UserError(
            f"{path}: two slices at the same position ({both}).", "Remove duplicate slices; give a single echo or time point."
        )
    if np.abs(gaps - usual).max() > TOLERANCE * usual + 1e-3:
        index = int(np.abs(gaps - usual).argmax())
        found = f"{gaps[index]:.2f} mm between {_name(frames[index])} and {_name(frames[index + 1])} where {usual:.2f} mm is usual"
        raise UserError(f"{path}: uneven slices, a gap of {found}.", "Slices are missing; export the whole series.")
    drift = positions - positions[0] - np.outer(depth - depth[0], normal)
    if np.abs(drift).max() > 0.1 * usual:
        raise UserError(
            f"{path}: slices are sheared against each other (gantry tilt).", "Correct the tilt first, then convert to NIfTI."
        )


def _name(frame: Frame) -> str:
    name = Path(frame.file).name
    return name if frame.number is None else f"frame {frame.number + 1} of {name}"
