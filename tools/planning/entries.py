"""Images and label maps in a user's folder: which entries they are, and what they are called."""

from dataclasses import dataclass
from pathlib import Path

from custom_networks.cases.cases import is_dicom_file
from custom_networks.cases.suffixes import (
    ARCHIVE_SUFFIX,
    DICOM_SUFFIXES,
    IMAGE_SUFFIXES,
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    split_suffix,
)
from custom_networks.cases.tree import is_hidden, read_tree
from custom_networks.errors import UserError

SEPARATORS = "_-. "  # between the words of a name


@dataclass(frozen=True)
class LabelledCase:
    """A case: its name, an image for each channel, a file or the folder of a DICOM series, and the file of its label map."""

    name: str
    images: tuple[Path, ...]
    label: Path


def is_picture(path: Path) -> bool:
    """Tell whether a file is a PNG or JPG by its name."""
    return path.name.lower().endswith(PICTURE_SUFFIXES)


def list_entries(folder: Path, left_out: list[str]) -> list[Path]:
    """Return a folder's images, files, zipped studies and folders, in the order of their names; see `is_entry`."""
    return [path for path in sorted(folder.iterdir()) if is_entry(path, left_out)]


def is_entry(path: Path, left_out: list[str]) -> bool:
    """Tell whether a path may be an image or a label map; add a line to ``left_out`` for an image in an unsupported format."""
    if is_hidden(path.name):
        return False
    if path.is_dir():
        return True
    if path.name.lower().endswith(UNREAD_SUFFIXES) and not is_dicom_file(path):
        left_out.append(f"{path.name}: of a kind that is not read; convert it to NIfTI or PNG")
        return False
    return path.name.lower().endswith((*IMAGE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX)) or is_dicom_file(path)


def find_image(path: Path) -> Path:
    """Return an image's file, or the one folder below ``path`` that holds a DICOM series.

    Raises:
        UserError: when a folder holds no DICOM series, or several folders of them.
    """
    if not path.is_dir():
        return path
    series = [place for place, files in read_tree(path).folders if any(map(is_dicom_file, files))]
    if len(series) != 1:
        problem = f"{len(series)} folders of DICOM files" if series else "no DICOM file"
        raise UserError(f"{path}: a folder with {problem}.", "Give each case a folder of one series.")
    return series[0]


def find_label(path: Path) -> Path:
    """Return a label's file, or the only file of its folder.

    Raises:
        UserError: when the folder holds another number of files than one.
    """
    if not path.is_dir():
        return path
    files = [file for _, files in read_tree(path).folders for file in files]
    if len(files) != 1:
        raise UserError(f"{path}: a folder of {len(files)} files.", "Give a label map, or one DICOM Segmentation, a case.")
    return files[0]


def stem_of(path: Path) -> str:
    """Return the name of an image without its ending; names of folders have none."""
    suffixes = () if path.is_dir() else (*IMAGE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX)
    return split_suffix(path.name, suffixes)[0]
