"""Sample scans that travel inside packages of PyPI: fetched once, checked, kept."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from custom_networks.errors import UserError


def wheel_members(requirement: str, wanted: dict[str, str], source: str, cache: Path) -> dict[str, Path]:
    """Return files out of a wheel, each checked by its SHA-256.

    Args:
        requirement: such as ``"tptbox==1.1.0"``.
        wanted: path inside the wheel to SHA-256.
        source: a wheel, a folder where it was unpacked, or ``"-"`` to fetch it with pip, unless the cache holds it.
        cache: folder where the files are kept.

    Raises:
        UserError: when the package cannot be fetched, or a file is missing or not the expected one.
    """
    found = {name: cache / Path(name).name for name in wanted}
    if not all(path.is_file() and _sha256(path.read_bytes()) == wanted[name] for name, path in found.items()):
        cache.mkdir(parents=True, exist_ok=True)
        for name, content in _read(requirement, wanted, source).items():
            if _sha256(content) != wanted[name]:
                raise UserError(
                    f"{name} of {requirement}: not the file that is expected (SHA-256 differs).", "Fetch the package again."
                )
            found[name].write_bytes(content)
    return found


def _read(requirement: str, wanted: dict[str, str], source: str) -> dict[str, bytes]:
    if source != "-" and Path(source).is_dir():
        missing = [name for name in wanted if not (Path(source) / name).is_file()]
        if missing:
            raise UserError(
                f"{Path(source) / missing[0]}: not found.", f"Give the folder that `unzip` makes of {requirement}'s wheel."
            )
        return {name: (Path(source) / name).read_bytes() for name in wanted}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(source) if source != "-" else _download(requirement, Path(scratch))
        try:
            with zipfile.ZipFile(path) as archive:
                return {name: archive.read(name) for name in wanted}
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: not the wheel of {requirement} ({error}).", "Give the wheel, or '-' to fetch it.") from error


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise UserError(f"{requirement}: could not be fetched ({reason}).", "Check the network, or give the wheel's path.")
    return wheels[0]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
