"""Find the cases that a user's path stands for."""

import logging
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ZIP_ERRORS, UserError, some
from .names import case_name, name_cases, split_series
from .suffixes import ARCHIVE_SUFFIX, DICOM_SUFFIXES, PICTURE_SUFFIXES, UNREAD_SUFFIXES, VOLUME_SUFFIXES, is_result
from .tree import is_hidden, read_tree

__all__ = ["PICTURE_SUFFIXES", "VOLUME_SUFFIXES", "case_name", "find_cases", "is_dicom", "is_zip", "name_cases", "split_series"]

logger = logging.getLogger("axial")


def find_cases(
    source: str | Path,
    suffixes: Sequence[str] = VOLUME_SUFFIXES,
    dicom: bool = True,
    series: bool = True,
    number: int | str | None = None,
) -> list[dict]:
    """List the cases below a path.

    A file is one case, a zip of DICOM files too. A folder is read to any depth: every image, every such zip and every folder that
    holds DICOM files itself, a series, is a case. Hidden files, results of earlier runs (`RESULT_SUFFIXES`) and links that lead
    nowhere or round in circles are passed over, images of kinds that no bundle reads with a warning. A zip or folder that cannot be
    read is a case with an ``error``.

    Args:
        source: a file or a folder.
        suffixes: accepted endings of image files, lower case.
        dicom: whether DICOM files and series are accepted.
        series: whether the DICOM files of a folder are the slices of one case; otherwise each is a case.
        number: number or UID of the series to take where a folder or a zip holds several; cases become ``path#number``.

    Returns:
        ``[{"image": path, "case": name}, ...]`` in the order of the paths; paths are absolute, names differ (`name_cases`).

    Raises:
        UserError: when the path does not exist, is of another kind, or holds no case.
    """
    path = existing(source, "Give an image, a DICOM series or a folder of them.")
    accepted = tuple(suffixes) + (DICOM_SUFFIXES if dicom else ()) + ((ARCHIVE_SUFFIX,) if dicom and series else ())
    kinds = ", ".join(accepted)
    if not path.is_dir():
        if not path.is_file() or not (path.name.lower().endswith(accepted) or (dicom and is_dicom(path))):
            raise UserError(f"{path}: not a kind of image that this bundle reads.", f"Accepted: {kinds}.")
        return name_cases([_case(path, number)])
    tree = read_tree(path)
    cases = [_failed(file, f"cannot be read ({reason})") for file, reason in tree.unreadable]
    for folder, files in tree.folders:
        name_unread(folder, files)
        if dicom and series and any(map(is_dicom_file, files)):
            cases.append(_case(folder, number))
        for file in files:
            if is_image(file, suffixes) or (dicom and not series and is_dicom_file(file)):
                cases.append(_case(file))
            elif dicom and series and is_zip(file):
                cases += _zipped(file, number)
    if not cases:
        raise UserError(f"{path}: no image in this folder.", f"Accepted: {kinds}{', folders of DICOM files' if dicom else ''}.")
    return name_cases(sorted(cases, key=lambda case: case["image"]))


def existing(source: str | Path, remedy: str) -> Path:
    """Return a user's path, absolute.

    Raises:
        UserError: when there is nothing.
    """
    if str(source) == "" or not os.path.exists(source):
        raise UserError(f"{source or 'input'}: no such file or folder.", remedy)
    return Path(os.path.abspath(source))


def is_dicom(path: Path) -> bool:
    """Tell whether a file carries the DICOM mark at byte 128."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def is_index(name: str) -> bool:
    """Tell whether a file of this name is the index of a DICOM export."""
    return name.upper() == "DICOMDIR"


def is_dicom_file(file: Path) -> bool:
    """Tell whether a file of a folder is a DICOM image by its name or its mark; indices and results are none."""
    if is_hidden(file.name) or is_result(file.name) or is_index(file.name):
        return False
    if file.name.lower().endswith(DICOM_SUFFIXES):
        return True
    try:
        return is_dicom(file)
    except OSError as error:
        logger.warning("%s: cannot be read (%s); skipped.", file, error.strerror)
        return False


def is_image(entry: Path, suffixes: Sequence[str]) -> bool:
    """Tell whether a file is an image by its name, and none of our results."""
    return entry.name.lower().endswith(tuple(suffixes)) and not is_result(entry.name) and not is_hidden(entry.name)


def name_unread(folder: Path, files: Sequence[Path]) -> None:
    """Warn of images among a folder's files that are of a kind that no bundle reads."""
    unread = [file.name for file in files if file.name.lower().endswith(UNREAD_SUFFIXES) and not is_dicom_file(file)]
    if unread:
        names = some(unread, 3)
        logger.warning("%s: images in unsupported formats, skipped: %s. Convert them to NIfTI or PNG.", folder, names)


def is_zip(path: Path) -> bool:
    """Tell whether a path is a zip file by its name."""
    return path.name.lower().endswith(ARCHIVE_SUFFIX) and path.is_file()


def _case(path: Path, number: int | str | None = None) -> dict:
    """Return the entry of a path; only a folder or a zip can hold several series."""
    several = number is not None and (path.is_dir() or is_zip(path))
    return {"image": f"{path}#{number}" if several else str(path)}


def _failed(path: Path, reason: str) -> dict:
    return {"image": str(path), "error": f"{path}: {reason}."}


def _zipped(path: Path, number: int | str | None) -> list[dict]:
    """Return the case of a zip, none where it holds no DICOM file; a damaged one is a case that failed."""
    try:
        with zipfile.ZipFile(path) as archive:
            holds = any(archive.open(info).read(132)[128:] == b"DICM" for info in archive.infolist() if not info.is_dir())
    except ZIP_ERRORS as error:
        return [_failed(path, f"not a zip that can be read ({error})")]
    return [_case(path, number)] if holds else []
