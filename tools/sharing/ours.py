"""What is ours: files of this repository and of its releases, and what its configs name."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..places import BUNDLES, COMPONENTS

RELEASED = Path(__file__).with_name("released.txt")  # `SHA-256  name in a zip`, a line each, of every released version


def is_ours(name: str, content: bytes) -> bool:
    """Tell whether a file of a zip is, byte for byte, one of ours at that place.

    Args:
        name: below the zip's top folder, such as ``scripts/custom_networks/errors.py``.
        content: its bytes.
    """
    return (hashlib.sha256(content).hexdigest(), name) in _files()


@cache
def entries_of_ours() -> frozenset[str]:
    """Every ``_target_`` and ``$`` expression of the configs of this repository."""
    return frozenset(text for path in BUNDLES.glob("*/configs/*.json") for text in _entries(json.loads(path.read_bytes())))


@cache
def _files() -> frozenset[tuple[str, str]]:
    released = (tuple(line.split(maxsplit=1)) for line in RELEASED.read_text().splitlines())
    return frozenset([*released, *shared_files()])


def shared_files() -> Iterator[tuple[str, str]]:
    """Yield SHA-256 and name in a zip of all Python files and configs that zips of this repository hold."""
    for path in (*COMPONENTS.rglob("*.py"), *COMPONENTS.rglob("*.pyi")):
        yield _digest(path), f"scripts/custom_networks/{path.relative_to(COMPONENTS).as_posix()}"
    for bundle in BUNDLES.iterdir():
        for path in (*bundle.glob("configs/*"), *bundle.glob("scripts/*.py")):
            if path.is_file():
                yield _digest(path), path.relative_to(bundle).as_posix()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _entries(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _entries(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _entries(part)
    elif isinstance(value, str) and (key == "_target_" or value.startswith("$")):
        yield value


if __name__ == "__main__":  # python -m tools.sharing.ours: adds the files of a version that is being released
    known = set(RELEASED.read_text().splitlines())
    RELEASED.write_text("\n".join(sorted(known | {f"{digest}  {name}" for digest, name in shared_files()})) + "\n")
