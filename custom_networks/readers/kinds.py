"""Tell what an image file is by its content; its name may say something else."""

from pathlib import Path

from ..cases.cases import PICTURE_SUFFIXES
from ..errors import UserError

SUFFIXES = {"NIfTI": (".nii", ".nii.gz"), "NRRD": (".nrrd", ".nhdr"), "MetaImage": (".mha", ".mhd"), "picture": PICTURE_SUFFIXES}
PICTURE_MARKS = (b"\x89PNG", b"\xff\xd8\xff")
HEADER_SIZES = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
LONGEST_MARK = 64


def kind_by_name(path: Path) -> str | None:
    """Return the kind that a name stands for: a key of `SUFFIXES`, or None."""
    return next((kind for kind, suffixes in SUFFIXES.items() if path.name.lower().endswith(suffixes)), None)


def kind_by_content(path: Path) -> str | None:
    """Return the kind that the first bytes stand for: a key of `SUFFIXES`, or None."""
    with path.open("rb") as stream:
        mark = stream.read(LONGEST_MARK)
    if mark.startswith((b"\x1f\x8b", *HEADER_SIZES)):
        return "NIfTI"
    if mark.startswith(b"NRRD0"):
        return "NRRD"
    if mark.startswith(PICTURE_MARKS):
        return "picture"
    return "MetaImage" if mark.lstrip().startswith((b"ObjectType", b"NDims", b"Comment")) else None


def check_kind(path: Path) -> str:
    """Return the kind of a file.

    Raises:
        UserError: when its name stands for none, or for another than its content.
    """
    named, found = kind_by_name(path), kind_by_content(path)
    if named is None:
        raise UserError(f"{path}: not a kind of image that is read.", "Give NIfTI, NRRD, MetaImage or DICOM.")
    if found is not None and found != named:
        raise UserError(f"{path}: holds {found} data, not what its name says.", "Rename it, or export it again.")
    return named
