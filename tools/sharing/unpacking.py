"""Unpack a reviewed bundle that someone shared."""

import os
import shutil
import tempfile
from pathlib import Path

from custom_networks.errors import UserError

from .archive import MANIFEST
from .review import Review

MARKS = (MANIFEST, "configs/metadata.json")  # one of these tells a bundle's folder from another


def unpack(found: Review, folder: Path, overwrite: bool = False) -> Path:
    """Write a reviewed bundle to ``folder/<top>``, at once or not at all.

    Args:
        found: the review.
        folder: where the bundle's folder goes.
        overwrite: replace a bundle that is there; another folder or file is never replaced.

    Raises:
        UserError: when the folder is there and ``overwrite`` is not set, or cannot be written.
    """
    target = folder / found.top
    if os.path.lexists(target) and not overwrite:
        raise UserError(f"{target}: already exists.", "Choose another folder or give --overwrite.")
    if os.path.lexists(target) and not any((target / mark).is_file() for mark in MARKS):
        raise UserError(f"{target}: is no bundle, so it is not replaced.", "Choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack") as scratch:
            _write(found, Path(scratch))
            replaced = Path(scratch) / ".replaced"
            if os.path.lexists(target):
                os.replace(target, replaced)
            try:
                os.replace(Path(scratch) / found.top, target)
            except OSError:
                if os.path.lexists(replaced):
                    os.replace(replaced, target)
                raise
            if replaced.is_symlink():
                replaced.unlink()
            else:
                shutil.rmtree(replaced, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}).", "Choose another folder.") from error
    return target


def _write(found: Review, scratch: Path) -> None:
    root = scratch.resolve()
    for name, content in found.contents.items():
        path = scratch / found.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.resolve().is_relative_to(root / found.top) or path.exists():
            raise UserError(f"{name}: leads out of its folder.", "Do not use this zip; ask its author.")
        path.write_bytes(content)
