"""Unpack a bundle that someone shared, after its user saw what it would run."""

import hashlib
import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from custom_networks.errors import UserError

from ..bundles import BUNDLES, COMPONENTS
from .archive import MANIFEST, SIGNATURE, read_archive
from .code_review import Finding, review_config
from .signing import is_signed_by


@dataclass(frozen=True)
class Review:
    """What a zip holds: its top folder, contents by name, findings in its configs, and Python files that are not ours."""

    top: str
    contents: dict[str, bytes]
    findings: list[Finding] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def dangers(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.danger]


def review(path: Path, key: Path | None = None) -> Review:
    """Read and check a zip; see `read_archive` and `review_config`. Weights must load without pickled code.

    Args:
        path: the zip.
        key: public key of whoever must have signed it; None asks for no signature.

    Raises:
        UserError: when the zip is refused.
    """
    top, contents = read_archive(path)
    if key is not None and SIGNATURE not in contents:
        raise UserError(f"{path}: refused, it is not signed.", "Ask its author for a signed one.")
    if key is not None and not is_signed_by(contents[MANIFEST], contents[SIGNATURE], key):
        raise UserError(f"{path}: refused, not signed by the owner of {key}.", "Do not use this zip; ask its author.")
    findings = [
        finding
        for name in sorted(contents)
        if name.startswith("configs/") and name.endswith(".json") and name != "configs/metadata.json"
        for finding in review_config(name, contents[name])
    ]
    foreign = [name for name in sorted(contents) if name.endswith((".py", ".pyi")) and not _is_ours(name, contents[name])]
    for name in contents:
        if name.endswith(".pt"):
            _check_weights(path, name, contents[name])
    return Review(top, contents, findings, foreign)


def unpack(found: Review, folder: Path, overwrite: bool = False) -> Path:
    """Write a reviewed bundle to ``folder/<top>``, at once or not at all.

    Raises:
        UserError: when the folder is there and ``overwrite`` is not set, or cannot be written.
    """
    target = folder / found.top
    if target.exists() and not overwrite:
        raise UserError(f"{target}: is there already.", "Choose another folder or give --overwrite.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack") as scratch:
            for name, content in found.contents.items():
                path = Path(scratch) / found.top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if target.exists():
                shutil.move(target, Path(scratch) / "replaced")
            os.replace(Path(scratch) / found.top, target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}).", "Choose another folder.") from error
    return target


def _is_ours(name: str, content: bytes) -> bool:
    """Tell whether a Python file is, byte for byte, one of this repository."""
    below = name.removeprefix("scripts/")
    ours = COMPONENTS.parent / below if below != "__init__.py" else next(BUNDLES.glob("*/scripts/__init__.py"))
    return ours.is_file() and hashlib.sha256(ours.read_bytes()).digest() == hashlib.sha256(content).digest()


def _check_weights(path: Path, name: str, content: bytes) -> None:
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types; the reason is that of the refusal
        raise UserError(
            f"{path}: refused, {name} is no plain file of weights ({type(error).__name__}).", "Do not load it; ask its author."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path}: refused, {name} holds more than weights.", "Do not load it; ask its author.")
