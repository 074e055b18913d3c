"""Write NIfTI files packed, whole or not at all."""

from pathlib import Path

import nibabel
import numpy as np
from isal import igzip

from ..geometry.regions import box_of
from .write_result import write_result

LEVEL = 1  # of ISA-L's 0 to 3; masks are hardly smaller by more


def write_nifti(target: Path, image: nibabel.Nifti1Image) -> None:
    """Write ``.nii.gz`` by `write_result`; equal images give equal bytes.

    Raises:
        UserError: when the file cannot be written.
    """

    def write(path: Path) -> None:
        with path.open("wb") as file, igzip.IGzipFile("", "wb", LEVEL, file, mtime=0) as stream:
            image.to_stream(stream)

    write_result(target, write, ".nii.gz")


def as_stored(labels: np.ndarray) -> np.ndarray:
    """Return a label map with its first axis the fastest, as NIfTI has it; nibabel takes longer to turn background round."""
    stored = np.zeros(labels.shape, labels.dtype, order="F")
    if labels.any():
        inside = box_of(labels)
        stored[inside] = labels[inside]
    return stored
