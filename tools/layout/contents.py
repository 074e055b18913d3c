"""Whether files of a data set are what they were."""

import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from custom_networks.errors import UserError
from custom_networks.readers.bounded import CHUNK, STREAM_ERRORS, UNPACKERS, is_gzip
from custom_networks.readers.nifti import read_nifti_header


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


def together(files: Iterable[Path]) -> list[int]:
    """Return size and CRC-32 of several files as one."""
    return _sum_of([_content(path) for path in files])


def _sum_of(parts: Sequence[Sequence[int]]) -> list[int]:
    return [sum(size for size, _ in parts), zlib.crc32(str(parts).encode())]


def first_changed(before: Mapping[str, Sequence[int]], now: Mapping[str, Sequence[int]]) -> Path | None:
    """Return the first file whose `contents` are others now than before; those that were not there before do not count.

    Where before was an earlier version, which measured some packed files otherwise, they are measured as it did.
    """
    for path, found in now.items():
        known = list(before.get(path) or found)
        if known != list(found) and known != _content(Path(path), _measured_before):
            return Path(path)
    return None


def content_size(path: Path) -> int:
    """Return the size of a file's content in bytes, modulo 2^32, of a packed one as it is unpacked; of a folder -1."""
    if not path.is_file():
        return -1
    return _measured(path)[0] if is_gzip(path) else path.stat().st_size % 2**32


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's content, of a packed one as it is unpacked."""
    return _measured(path)[1]


@contextmanager
def open_content(path: Path) -> Iterator[BinaryIO]:
    """Open a file; one that gzip packed, in one stream or several (BGZF), gives what it holds."""
    with path.open("rb") as stream:
        yield UNPACKERS["gzip" if is_gzip(path) else "raw"](stream)


def _content(path: Path, measure: Callable[[Path], tuple[int, int]] | None = None) -> list[int]:
    measure = measure or _measured
    if path.is_dir():
        return _sum_of([list(measure(file)) for file in sorted(path.rglob("*")) if file.is_file()])
    return list(measure(path)) if path.is_file() else []


def _measured_before(path: Path) -> tuple[int, int]:
    """Return what stands at the end of a file called ``.gz``, unless that is no size; of others size and checksum as they lie."""
    end = _end(path) if path.name.lower().endswith(".gz") else None
    if end and end[0]:
        return end
    with path.open("rb") as stream:
        return _sum_up(stream)


def _measured(path: Path) -> tuple[int, int]:
    return _measured_at(path, path.stat().st_mtime_ns, path.stat().st_size)


@cache
def _measured_at(path: Path, changed: int, size: int) -> tuple[int, int]:
    """Return size and checksum of a file's content; it is read once as long as it is not written to, of most images its end alone.

    A stream of gzip ends with size and checksum of what it holds, so these are those of a NIfTI image where they fit its header.
    Others are unpacked, and what is damaged is taken as it is.
    """
    if is_gzip(path):
        found = _end(path)
        if found is not None and found[0] == _announced(path):
            return found
        try:
            with open_content(path) as stream:
                return _sum_up(stream)
        except STREAM_ERRORS:
            pass
    with path.open("rb") as stream:
        return _sum_up(stream)


def _sum_up(stream: BinaryIO) -> tuple[int, int]:
    size = checksum = 0
    while block := stream.read(CHUNK):
        size, checksum = size + len(block), zlib.crc32(block, checksum)
    return size % 2**32, checksum


def _announced(path: Path) -> int:
    """Return how many bytes, modulo 2^32, a NIfTI file has by its header; -1 of another file."""
    try:
        file = read_nifti_header(path)
    except (UserError, OSError, ValueError):
        return -1
    return (file.offset + math.prod(file.shape) * file.header.get_data_dtype().itemsize) % 2**32


def _end(path: Path) -> tuple[int, int] | None:
    """Return size, modulo 2^32, and checksum at the end of a gzip file."""
    with path.open("rb") as stream:
        if stream.seek(0, 2) < 8:
            return None
        stream.seek(-8, 2)
        checksum, size = struct.unpack("<II", stream.read())
        return size, checksum
