"""Find studies of several images, such as FLAIR and T1, of one person."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import UserError
from .cases import VOLUME_SUFFIXES, case_name, holds_dicom, is_image, reject_equal_names

SEPARATORS = re.compile(r"[_\-.\s]+")


def find_studies(source: str | Path, modalities: Sequence[str], suffixes: Sequence[str] = VOLUME_SUFFIXES) -> list[dict]:
    """List the studies below a path.

    Files belong together when their folder is the same and their names are equal but for the modality: ``FLAIR.nii.gz`` and
    ``T1.nii.gz``, ``p7_FLAIR.nii`` and ``p7_T1.nii``, ``sub-01_T1w.nii.gz`` and ``sub-01_FLAIR.nii.gz``. ``T1w`` is ``T1``;
    other words beside it, as in ``T1_post``, make another image. Folders are searched to any depth, so BIDS data sets are read. A
    folder of DICOM files counts as a file of its name: ``anna/FLAIR`` and ``anna/T1``.

    Args:
        source: a folder; or one file of the first modality, or one file with all modalities as channels.
        modalities: names in the order of the network's channels.
        suffixes: accepted endings of files.

    Returns:
        ``[{"image": [path, ...]}, ...]`` in the order of the names, None in place of a path for an image that is missing and that
        `LoadModalitiesd` reports; a single path for a file with all channels.

    Raises:
        UserError: when the path does not exist or holds no study, or when two images fit one place.
    """
    path = Path(source)
    if str(source) == "" or not path.exists():
        raise UserError(
            f"{source or 'input'}: no such file or folder.", f"Give --input a folder with {' and '.join(modalities)} images."
        )
    if path.is_file():
        if _modality(path, modalities) is None:
            return [{"image": [str(path)]}]
        siblings = _images(path.parent.iterdir(), suffixes)
        files = [file for file in siblings if _key(file, modalities) == _key(path, modalities)]
    else:
        files = _images(path.rglob("*"), suffixes)
    studies: dict[tuple, dict[str, Path]] = {}
    for file in files:
        modality = _modality(file, modalities)
        if modality is None:
            continue
        study = studies.setdefault(_key(file, modalities), {})
        if modality in study:
            raise UserError(f"{file} and {study[modality].name}: two {modality} images of one study.", "Keep one of them.")
        study[modality] = file
    found = [study for study in studies.values() if modalities[0] in study]
    if not found:
        wanted = " and ".join(f"{name}.nii.gz" for name in modalities)
        raise UserError(f"{path}: no {modalities[0]} image.", f"Give a folder that holds {wanted}, or files named like them.")
    cases = [{"image": [str(study[name]) if name in study else None for name in modalities]} for study in found]
    reject_equal_names(cases)
    return sorted(cases, key=lambda case: case_name(case["image"]))


def _images(entries: Iterable[Path], suffixes: Sequence[str]) -> list[Path]:
    return [entry for entry in sorted(entries) if is_image(entry, suffixes) or (entry.is_dir() and holds_dicom(entry))]


def _words(file: Path) -> list[str]:
    suffix = next((suffix for suffix in VOLUME_SUFFIXES if file.name.lower().endswith(suffix)), "")
    name = file.name[: len(file.name) - len(suffix)]
    return [word.upper() for word in SEPARATORS.split(name) if word]


def _modality(file: Path, modalities: Sequence[str]) -> str | None:
    found = [name for word in _words(file) for name in modalities if word in (name.upper(), f"{name.upper()}W")]
    return found[-1] if found else None


def _key(file: Path, modalities: Sequence[str]) -> tuple:
    """Return what the images of one study have in common: their folder and the other words of their names."""
    names = {name.upper() for name in modalities} | {f"{name.upper()}W" for name in modalities}
    return (file.parent, *(word for word in _words(file) if word not in names))
