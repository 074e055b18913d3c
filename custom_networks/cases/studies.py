"""Find studies of several images, such as FLAIR and T1, of one person."""

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .cases import existing, is_dicom_file, is_image, name_unread
from .names import case_name, name_cases
from .suffixes import IMAGE_SUFFIXES, VOLUME_SUFFIXES, split_suffix
from .tree import read_tree

logger = logging.getLogger("axial")
SEPARATORS = re.compile(r"[_\-.\s]+")


def find_studies(source: str | Path, modalities: Sequence[str], suffixes: Sequence[str] = VOLUME_SUFFIXES) -> list[dict]:
    """List the studies below a path.

    Files belong together when their folder is the same and their names are equal but for the modality: ``FLAIR.nii.gz`` and
    ``T1.nii.gz``, ``p7_FLAIR.nii`` and ``p7_T1.nii``, ``sub-01_T1w.nii.gz`` and ``sub-01_FLAIR.nii.gz``. ``T1w`` is ``T1``;
    other words beside it, as in ``T1_post``, make another image. Folders are searched to any depth, so BIDS data sets are read. A
    folder of DICOM files counts as a file of its name: ``anna/FLAIR`` and ``anna/T1``; where no folder's name tells, as in
    ``PA0/ST0/SE0``, the series' descriptions do.

    Args:
        source: a folder; or one file of the first modality, or one file with all modalities as channels.
        modalities: names in the order of the network's channels.
        suffixes: accepted endings of files.

    Returns:
        ``[{"image": [path, ...], "case": name}, ...]`` in the order of the names, None in place of a path for an image that is
        missing and that `LoadModalitiesd` reports; a single path for a file with all channels. A study in which two images fit
        one place, and a folder that cannot be read, have an ``error``.

    Raises:
        UserError: when the path does not exist or holds no study.
    """
    path = existing(source, f"Give a folder with {' and '.join(modalities)} images.")
    chosen = None
    if not path.is_dir():
        chosen = _image(path, modalities)
        if chosen is None:
            return name_cases([{"image": [str(path)]}])
        files, unreadable = [Path(entry) for entry in os.scandir(path.parent) if entry.is_file()], []
        images = [file for file in sorted(files) if is_image(file, suffixes)]
    else:
        tree = read_tree(path)
        unreadable = tree.unreadable
        for folder, files in tree.folders:
            name_unread(folder, files)
        images = [file for folder, files in tree.folders for file in _images(folder, files, suffixes)]
    studies: dict[tuple, list[_Image]] = {}
    for image in filter(None, (_image(file, modalities) for file in images)):
        if chosen is None or image.study == chosen.study:
            studies.setdefault(image.study, []).append(image)
    found = [_study(members, modalities) for members in studies.values() if any(m.modality == modalities[0] for m in members)]
    found += [{"image": [str(file)], "error": f"{file}: cannot be read ({reason})."} for file, reason in unreadable]
    if not found:
        wanted = " and ".join(f"{name}.nii.gz" for name in modalities)
        raise UserError(f"{path}: no {modalities[0]} image.", f"Give a folder that holds {wanted}, or files named like them.")
    return sorted(name_cases(found), key=lambda case: (case_name(case["image"]), case["case"]))


def modality_of(text: str, modalities: Sequence[str]) -> str | None:
    """Return which of the modalities a file's name or a series' description tells, None where it tells none."""
    return _modality(_words(text), modalities)


class _Image:
    """An image of a known modality, and what the images of its study have in common."""

    def __init__(self, path: Path, modality: str, study: tuple) -> None:
        self.path, self.modality, self.study = path, modality, study


def _study(members: list[_Image], modalities: Sequence[str]) -> dict:
    images: dict[str, Path] = {}
    error = {}
    for member in members:
        if member.modality in images:
            problem = f"{member.path} and {images[member.modality].name}: two {member.modality} images of one study."
            error = {"error": f"{problem} Keep one of them."}
        images.setdefault(member.modality, member.path)
    return {"image": [str(images[name]) if name in images else None for name in modalities]} | error


def _images(folder: Path, files: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """Return the images of a folder, and the folder itself where it holds a DICOM series."""
    return [*([folder] if any(map(is_dicom_file, files)) else []), *(file for file in files if is_image(file, suffixes))]


def _image(path: Path, modalities: Sequence[str]) -> _Image | None:
    """Return an image with its modality and study, None where neither its name nor its DICOM header tells the modality."""
    names = {name.upper() for name in modalities} | {f"{name.upper()}W" for name in modalities}
    words = _words(split_suffix(path.name, IMAGE_SUFFIXES)[0])
    modality = _modality(words, modalities)
    if modality is not None:
        return _Image(path, modality, (path.parent, *(word for word in words if word not in names)))
    if not path.is_dir():
        return None
    description, study = _described(path)
    modality = modality_of(description, modalities)
    return None if modality is None else _Image(path, modality, (path.parent, "DICOM", study))


def _words(text: str) -> list[str]:
    return [word.upper() for word in SEPARATORS.split(text) if word]


def _modality(words: Sequence[str], modalities: Sequence[str]) -> str | None:
    found = [name for word in words for name in modalities if word in (name.upper(), f"{name.upper()}W")]
    return found[-1] if found else None


def _described(folder: Path) -> tuple[str, str]:
    """Return the description of a folder's series and the UID of its study, as its first DICOM file says."""
    import pydicom

    file = next(file for file in sorted(folder.iterdir()) if file.is_file() and is_dicom_file(file))
    try:
        header = pydicom.dcmread(file, stop_before_pixels=True)
        texts = [str(header.get(name, "")) for name in ("ProtocolName", "SeriesDescription")]
        return " ".join(texts), str(header.get("StudyInstanceUID", ""))
    except Exception as error:  # damaged in any way
        logger.warning("%s: its DICOM header cannot be read (%s); skipped.", file, type(error).__name__)
        return "", ""
