"""Endings of files, lower case; files may have them in any case."""

from collections.abc import Sequence

NIFTI_SUFFIXES = (".nii.gz", ".nii")
VOLUME_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".mha", ".mhd")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
IMAGE_SUFFIXES = (*VOLUME_SUFFIXES, *PICTURE_SUFFIXES)
DICOM_SUFFIXES = (".dcm", ".ima")
ARCHIVE_SUFFIX = ".zip"  # of a DICOM study
UNREAD_SUFFIXES = (
    ".mgz", ".mgh", ".img", ".hdr", ".nhdr", ".gipl", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".jxl", ".webp", ".par", ".v",
)  # fmt: skip
RESULT_SUFFIXES = (
    "_seg.nii.gz", "_seg.nii", "_prob.nii.gz", "_probability.nii.gz", "_entropy.nii.gz", "_seg.png", "_overlay.png", "_seg.dcm",
    "_rtstruct.dcm", ".seg.nrrd", "_seg.json", "_pred.json", "_ctd.json", "_centroids.mrk.json", ".record.json", "measures.csv",
    "report.html",
)  # fmt: skip


def split_suffix(name: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """Return a file's name without its ending, and the ending in lower case, empty where it is none of these."""
    suffix = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)], suffix


def is_result(name: str) -> bool:
    """Tell whether a file of this name is a result of a bundle."""
    return name.lower().endswith(RESULT_SUFFIXES)
