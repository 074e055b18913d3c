"""What inputs stand for: paths, and the cases that a bundle finds below them."""

import os
import pydoc
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

import custom_networks
from custom_networks.errors import UserError

from ..bundles import Bundle

NO_OPTIONS = ("_target_", "_mode_", "source")  # of inference.json's ``cases``


def finding_of(bundle: Bundle) -> tuple[Callable[..., list[dict]], dict]:
    """Return the function that lists a bundle's cases below a path, as `custom_networks.find_cases` does, and its options."""
    with bundle.parser("inference.json") as parser:
        options = {name: parser.get_parsed_content(f"cases#{name}") for name in parser["cases"] if name not in NO_OPTIONS}
        target = parser["cases"]["_target_"]
        return getattr(custom_networks, target.rpartition(".")[2], None) or pydoc.locate(target), options


def as_paths(inputs: Iterable[object], stack: ExitStack) -> list[str | Path]:
    """Return inputs as paths; images in memory are written to a folder that lasts as long as the stack, all else stays.

    Raises:
        UserError: for an image that cannot be written, such as one whose file is gone.
    """
    paths, folder = [], None
    for place, item in enumerate(inputs, 1):
        if hasattr(item, "to_filename"):
            folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            number = sum(1 for _ in folder.iterdir())
            path = folder / (f"image_{number + 1}.nii.gz" if number else "image.nii.gz")
            _write(item, path, place)
            paths.append(path)
        else:
            paths.append(item)
    return paths


def check_scans(scans: Iterable[object]) -> None:
    """Refuse what is neither path nor image.

    Raises:
        UserError: which of the scans it is.
    """
    for place, scan in enumerate(scans, 1):
        if not isinstance(scan, str | os.PathLike) and not hasattr(scan, "to_filename"):
            raise UserError(
                f"scan {place}: a {type(scan).__name__}, no scan.", "Give a path, or a nibabel image, which knows where voxels lie."
            )


def _write(image: Any, path: Path, place: int) -> None:
    """Write an image of nibabel as NIfTI, whatever its kind."""
    try:
        if not isinstance(image, nibabel.Nifti1Pair):
            image = nibabel.Nifti1Image(np.asanyarray(image.dataobj), image.affine)
        image.to_filename(path)
    except Exception as error:  # its file is gone, its voxels are no numbers, or it is no image but a surface
        kind = type(image).__name__
        raise UserError(f"scan {place}: a {kind} that cannot be taken ({error}).", "Give a path, or a nibabel image.") from error
