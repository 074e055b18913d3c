"""Pack a bundle into one zip file that needs nothing of this repository, byte for byte reproducible."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_result

from ..bundles import Bundle
from ..places import COMPONENTS
from .archive import MANIFEST, SIGNATURE, belongs
from .signing import sign

EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's earliest date
LEFT_OUT = {"runs", "eval", "folds", "__pycache__", "py.typed", MANIFEST, SIGNATURE}  # folds: weights that score, not for use


def members(bundle: Bundle) -> Iterator[tuple[str, Path]]:
    """Yield name in the zip and file for everything that a packed bundle holds, in the order of the names."""
    found = {}
    for root, prefix in ((bundle.folder, ""), (COMPONENTS, "scripts/custom_networks/")):
        for path in root.rglob("*"):
            parts = path.relative_to(root).parts
            if path.is_file() and not LEFT_OUT.intersection(parts) and not path.name.startswith("."):
                found[f"{bundle.name}/{prefix}{'/'.join(parts)}"] = path
    yield from sorted(found.items())


def pack(bundle: Bundle, folder: Path, key: Path | None = None) -> Path:
    """Write ``folder/<name>_v<version>.zip``.

    The zip holds one top folder with the bundle, the ``custom_networks`` it imports, and a manifest with the SHA-256
    of every other member. Dates, permissions and order are fixed, so equal trees give equal bytes.

    Args:
        bundle: the bundle.
        folder: where the zip goes.
        key: private key whose signature of the manifest is added; None leaves the zip unsigned.

    Returns:
        the zip file.

    Raises:
        UserError: when a file of the bundle would be refused by whoever unpacks it.
    """
    for name, path in members(bundle):
        if not belongs(name.removeprefix(f"{bundle.name}/")):
            raise UserError(f"{path}: does not belong into a bundle, so nobody could unpack it.", "Move it elsewhere.")
    target = folder / f"{bundle.name}_v{bundle.version}.zip"
    write_result(target, lambda path: _archive(bundle, path, key))
    return target


def _archive(bundle: Bundle, target: Path, key: Path | None) -> None:
    digests = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in members(bundle):
            content = path.read_bytes()
            digests[name.removeprefix(f"{bundle.name}/")] = hashlib.sha256(content).hexdigest()
            _write(archive, name, content)
        manifest = (json.dumps({"sha256": digests}, indent=2) + "\n").encode()
        _write(archive, f"{bundle.name}/{MANIFEST}", manifest)
        if key is not None:
            _write(archive, f"{bundle.name}/{SIGNATURE}", sign(manifest, key))


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)
