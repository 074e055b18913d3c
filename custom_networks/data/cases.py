"""Find the cases that a user's path stands for, and name them."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
DICOM_SUFFIXES = (".dcm", ".ima")
MODALITIES = ("FLAIR", "T1", "T1W")  # file names that do not tell one case from another
RESULT_SUFFIXES = ("_seg.nii.gz", "_seg.png")


def case_name(source: str | Path | Sequence) -> str:
    """Return the name of a case: its file name without the suffix, or the name of its folder.

    The folder's name stands for files that are named by their modality alone, such as ``FLAIR.nii.gz``, and for DICOM series.

    Args:
        source: path of a file or a folder, the list of a DICOM series' files, or that of a study's images.
    """
    if not isinstance(source, (str, Path)):
        first = Path(source[0])
        return first.parent.name if first.name.lower().endswith(DICOM_SUFFIXES) else case_name(first)
    name = Path(source).name
    kinds = VOLUME_SUFFIXES + PICTURE_SUFFIXES + DICOM_SUFFIXES
    name = name[: len(name) - len(next((suffix for suffix in kinds if name.lower().endswith(suffix)), ""))]
    return Path(source).resolve().parent.name if name.upper() in MODALITIES else name


def find_cases(
    source: str | Path, suffixes: Sequence[str] = VOLUME_SUFFIXES, dicom: bool = True, series: bool = True
) -> list[dict]:
    """List the cases below a path.

    A file is one case. A folder that holds DICOM files is one case, a series. In any other folder every image file
    and every sub-folder with DICOM files is a case; files named ``*_seg.nii.gz`` and ``*_seg.png`` are results and passed over.

    Args:
        source: a file or a folder.
        suffixes: accepted endings of image files, lower case.
        dicom: whether DICOM files and series are accepted.
        series: whether the DICOM files of a folder are the slices of one case; otherwise each is a case.

    Returns:
        ``[{"image": path}, ...]`` in the order of the names.

    Raises:
        UserError: when the path does not exist, is of another kind, or holds no case, or when two cases share a name.
    """
    path = Path(source)
    accepted = tuple(suffixes) + (DICOM_SUFFIXES if dicom else ())
    kinds = ", ".join(accepted)
    if str(source) == "" or not path.exists():
        raise UserError(
            f"{source or 'input'}: no such file or folder.", "Give --input an image, a DICOM series or a folder of them."
        )
    if path.is_file():
        if not (path.name.lower().endswith(accepted) or (dicom and is_dicom(path))):
            raise UserError(f"{path}: not a kind of image that this bundle reads.", f"Accepted: {kinds}.")
        return [{"image": str(path)}]
    if dicom and series and holds_dicom(path):
        return [{"image": str(path)}]
    cases = []
    for entry in sorted(path.iterdir()):
        if dicom and not series and entry.is_dir():
            cases += [{"image": str(file)} for file in sorted(entry.iterdir()) if file.is_file() and _is_dicom_file(file)]
        elif is_image(entry, suffixes) or (dicom and (holds_dicom(entry) if entry.is_dir() else _is_dicom_file(entry))):
            cases.append({"image": str(entry)})
    if not cases:
        raise UserError(f"{path}: no image in this folder.", f"Accepted: {kinds}{', folders of DICOM files' if dicom else ''}.")
    reject_equal_names(cases)
    return cases


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


def _is_dicom_file(file: Path) -> bool:
    return not file.name.startswith(".") and (file.name.lower().endswith(DICOM_SUFFIXES) or is_dicom(file))
