"""Find the cases that a user's path stands for, and name them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ZIP_ERRORS, UserError

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
DICOM_SUFFIXES = (".dcm", ".ima")
MODALITIES = ("FLAIR", "T1", "T1W")  # file names that do not tell one case from another
ARCHIVE_SUFFIX = ".zip"  # of a DICOM study
RESULT_SUFFIXES = ("_seg.nii.gz", "_prob.nii.gz", "_seg.png")


def case_name(source: str | Path | Sequence) -> str:
    """Return the name of a case: its file name without the suffix, or the name of its folder.

    The folder's name stands for files that are named by their modality alone, such as ``FLAIR.nii.gz``, and for DICOM series.

    Args:
        source: path of a file or a folder, the list of a DICOM series' files, or that of a study's images.
    """
    if not isinstance(source, (str, Path)):
        first = Path(source[0])
        return first.parent.name if first.name.lower().endswith(DICOM_SUFFIXES) else case_name(first)
    source, series = split_series(source)
    if series is not None:
        return f"{case_name(source)}_series{series}"
    name = source.name
    kinds = (*VOLUME_SUFFIXES, *PICTURE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX)
    name = name[: len(name) - len(next((suffix for suffix in kinds if name.lower().endswith(suffix)), ""))]
    return source.resolve().parent.name if name.upper() in MODALITIES else name


def split_series(source: str | Path) -> tuple[Path, str | None]:
    """Return the path of ``path#series`` and the series, None where none is named or a file has that very name."""
    path, mark, series = str(source).rpartition("#")
    return (Path(path), series) if mark and not Path(source).exists() else (Path(source), None)


def find_cases(
    source: str | Path,
    suffixes: Sequence[str] = VOLUME_SUFFIXES,
    dicom: bool = True,
    series: bool = True,
    number: int | str | None = None,
) -> list[dict]:
    """List the cases below a path.

    A file is one case, a zip of DICOM files too. A folder that holds DICOM files is one case, a series. In any other folder every
    image, every such zip and every sub-folder with DICOM files is a case; files named ``*_seg.nii.gz`` and ``*_seg.png`` are
    results and passed over.

    Args:
        source: a file or a folder.
        suffixes: accepted endings of image files, lower case.
        dicom: whether DICOM files and series are accepted.
        series: whether the DICOM files of a folder are the slices of one case; otherwise each is a case.
        number: number or UID of the series to take where a folder or a zip holds several; cases become ``path#number``.

    Returns:
        ``[{"image": path}, ...]`` in the order of the names.

    Raises:
        UserError: when the path does not exist, is of another kind, or holds no case, or when two cases share a name.
    """
    path = Path(source)
    accepted = tuple(suffixes) + (DICOM_SUFFIXES if dicom else ()) + ((ARCHIVE_SUFFIX,) if dicom and series else ())
    kinds = ", ".join(accepted)
    if str(source) == "" or not path.exists():
        raise UserError(
            f"{source or 'input'}: no such file or folder.", "Give --input an image, a DICOM series or a folder of them."
        )
    if path.is_file():
        if not (path.name.lower().endswith(accepted) or (dicom and is_dicom(path))):
            raise UserError(f"{path}: not a kind of image that this bundle reads.", f"Accepted: {kinds}.")
        return [_case(path, number)]
    if dicom and series and holds_dicom(path):
        return [_case(path, number)]
    cases = []
    for entry in sorted(path.iterdir()):
        if dicom and not series and entry.is_dir():
            cases += [_case(file) for file in sorted(entry.iterdir()) if file.is_file() and _is_dicom_file(file)]
        elif is_image(entry, suffixes) or (dicom and _is_dicom(entry, series)):
            cases.append(_case(entry, number))
    if not cases:
        raise UserError(f"{path}: no image in this folder.", f"Accepted: {kinds}{', folders of DICOM files' if dicom else ''}.")
    reject_equal_names(cases)
    return cases


def _case(path: Path, number: int | str | None = None) -> dict:
    """Return the entry of a path; only a folder or a zip can hold several series."""
    several = number is not None and (path.is_dir() or is_zip(path))
    return {"image": f"{path}#{number}" if several else str(path)}


def is_dicom(path: Path) -> bool:
    """Tell whether a file carries the DICOM mark at byte 128."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def is_image(entry: Path, suffixes: Sequence[str]) -> bool:
    """Tell whether a path is an image file, and none of our results."""
    return entry.is_file() and entry.name.lower().endswith(tuple(suffixes)) and not entry.name.endswith(RESULT_SUFFIXES)


def reject_equal_names(cases: list[dict]) -> None:
    """Raise a UserError when two cases share a name, and so the name of their result."""
    seen: dict[str, str] = {}
    for case in cases:
        source = case["image"]
        name, file = case_name(source), source[0] if isinstance(source, list) else source
        if name in seen:
            raise UserError(f"{file} and {seen[name]}: two cases of the same name would write the same result.", "Rename one.")
        seen[name] = file


def holds_dicom(folder: Path) -> bool:
    """Tell whether a folder itself holds DICOM files."""
    return any(_is_dicom_file(entry) for entry in sorted(folder.iterdir()) if entry.is_file())


def is_zip(path: Path) -> bool:
    """Tell whether a path is a zip file by its name."""
    return path.name.lower().endswith(ARCHIVE_SUFFIX) and path.is_file()


def _is_dicom(entry: Path, series: bool) -> bool:
    if entry.is_dir():
        return holds_dicom(entry)
    return (series and _zip_holds_dicom(entry)) if is_zip(entry) else _is_dicom_file(entry)


def _zip_holds_dicom(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(archive.open(info).read(132)[128:] == b"DICM" for info in archive.infolist() if not info.is_dir())
    except ZIP_ERRORS:
        return False


def _is_dicom_file(file: Path) -> bool:
    return not file.name.startswith(".") and (file.name.lower().endswith(DICOM_SUFFIXES) or is_dicom(file))
