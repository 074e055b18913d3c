"""Whether files of a data set are what they were."""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path


def contents(entries: Iterable[Mapping]) -> dict[str, list[int]]:
    """Return path to size and CRC-32 of every image and label of a data list; a file that was only copied keeps them.

    Args:
        entries: with absolute paths. Of a folder all files count; what is not there has neither.
    """
    files = {}
    for entry in entries:
        for part in (entry["image"], entry["label"]):
            for path in part if isinstance(part, list) else [part]:
                if isinstance(path, str):
                    files[path] = _content(Path(path))
    return files


def first_changed(before: Mapping[str, Sequence[int]], now: Mapping[str, Sequence[int]]) -> Path | None:
    """Return the first file whose `contents` are others now than before; those that were not there before do not count."""
    return next((Path(path) for path, found in now.items() if list(before.get(path) or found) != list(found)), None)


def content_size(path: Path) -> int:
    """Return the size of a file's content in bytes, of a folder -1."""
    if not path.is_file():
        return -1
    return _trailer(path)[1] if is_packed(path) else path.stat().st_size % 2**32


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's content, which a packed one has at its end."""
    return _trailer(path)[0] if is_packed(path) else zlib.crc32(path.read_bytes())


def is_packed(path: Path) -> bool:
    """Tell whether a file is one of gzip whose end tells of its content; that of blocks (BGZF) ends with an empty one."""
    return path.name.lower().endswith(".gz") and path.stat().st_size >= 8 and _trailer(path)[1] > 0


def _content(path: Path) -> list[int]:
    if path.is_dir():
        parts = [_content(file) for file in sorted(path.rglob("*")) if file.is_file()]
        return [sum(size for size, _ in parts), zlib.crc32(str(parts).encode())]
    if not path.is_file():
        return []
    return [content_size(path), _checksum_at(path, path.stat().st_mtime_ns, path.stat().st_size)]


@cache
def _checksum_at(path: Path, changed: int, size: int) -> int:
    """Return the checksum of a file, which is read once as long as it is not written to."""
    return checksum(path)


def _trailer(path: Path) -> tuple[int, int]:
    """Return checksum and size, modulo 2^32, of what a gzip file holds."""
    with path.open("rb") as stream:
        stream.seek(-8, 2)
        return struct.unpack("<II", stream.read())
