"""Read bytes of files that claim more than they hold, or hold more than a memory takes."""

import bz2
import io
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from ..errors import UserError

MOST_BYTES = 4 * 2**30  # of one image in memory, unless AXIAL_MAX_BYTES says otherwise
MOST_BYTES_VARIABLE = "AXIAL_MAX_BYTES"
DEFLATE_RATIO = 1032  # bytes that one byte of a deflate stream can stand for at most
CHUNK = 2**20
GZIP = b"\x1f\x8b"  # begins each member of a gzip file
STREAM_ERRORS = (OSError, EOFError, zlib.error, isal_zlib.error)  # of damaged streams
DAMAGED = "Copy or export it again."


def most_bytes() -> int:
    """Return how many bytes of one image are read at most: 4 GiB, or the environment's ``AXIAL_MAX_BYTES``.

    Raises:
        UserError: when the variable is no positive whole number.
    """
    text = os.environ.get(MOST_BYTES_VARIABLE, "")
    if not text:
        return MOST_BYTES
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"{MOST_BYTES_VARIABLE}={text}: not a number of bytes.", f"Give a whole number, such as {MOST_BYTES}.")
    return int(text)


def check_size(file: str | Path, size: int) -> None:
    """Raise a UserError when an image of ``size`` bytes is larger than `most_bytes`."""
    most = most_bytes()
    if size > most:
        raise UserError(
            f"{file}: {_text(size)} of voxels, more than the {_text(most)} that are read.",
            f"Crop it, or raise the limit with --max-bytes ({MOST_BYTES_VARIABLE}).",
        )


def _text(size: int) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 2**power:
            return f"{size / 2**power:.3g} {unit}"
    return f"{size} bytes"


class _ZlibStream(io.RawIOBase):
    """The content of a zlib stream, inflated as it is asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.inflate = stream, zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        content = b""
        while not content and not self.inflate.eof:
            packed = self.inflate.unconsumed_tail or self.stream.read(CHUNK)
            if not packed:
                raise EOFError("the stream ends early")
            content = self.inflate.decompress(packed, len(buffer))
        buffer[: len(content)] = content
        return len(content)


class _GzipStream(io.RawIOBase):
    """The content of a gzip file, of all its members; it ends, ``foreign``, where bytes follow that are none.

    ``igzip.IGzipFile`` looks ahead, and refuses a small image for what follows it before it gives a byte of it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.inflate, self.foreign = stream, _inflate(), False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        content = b""
        while not content and not self.foreign:
            packed = self.inflate.unconsumed_tail or (self._next() if self.inflate.eof else self.stream.read(CHUNK))
            if not packed and self.inflate.eof:
                break
            if not packed:
                raise EOFError("the stream ends early")
            content = self.inflate.decompress(packed, len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _next(self) -> bytes:
        """Return the beginning of the next member, nothing where there is none; zeros between members are padding."""
        rest = self.inflate.unused_data.lstrip(b"\0")
        while len(rest) < len(GZIP) and (more := self.stream.read(CHUNK)):
            rest = (rest + more).lstrip(b"\0")
        self.foreign = bool(rest) and not rest.startswith(GZIP)
        if not rest or self.foreign:
            return b""
        self.inflate = _inflate()
        return rest


def _inflate():
    return isal_zlib.decompressobj(wbits=16 + isal_zlib.MAX_WBITS)


UNPACKERS = {
    "raw": lambda stream: stream,
    "gzip": lambda stream: io.BufferedReader(_GzipStream(stream), CHUNK),
    "bzip2": bz2.BZ2File,
    "zlib": _ZlibStream,
}


def is_gzip(path: Path) -> bool:
    """Tell whether a file begins as a gzip stream does, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def read_voxels(path: Path, start: int, encoding: str, skip: int, count: int, dtype: np.dtype) -> tuple[np.ndarray, bool]:
    """Read an array from a file, and not a byte more; memory is taken only for what the file can hold.

    Args:
        path: file of the voxels.
        start: byte of the file at which the stream begins.
        encoding: of the stream: ``raw``, ``gzip``, ``bzip2`` or ``zlib``.
        skip: bytes of the unpacked stream that come first.
        count: number of values.
        dtype: their type.

    Returns:
        array ``(count,)``, and whether a packed stream is followed by bytes that are none of it.

    Raises:
        UserError: when the array is larger than `most_bytes`, the file ends early, or its stream is damaged.
    """
    size = count * dtype.itemsize
    check_size(path, max(skip + size, 4 * count))  # voxels become float32
    held = path.stat().st_size - start
    if skip + size > held * {"raw": 1, "bzip2": 2**20}.get(encoding, DEFLATE_RATIO):
        raise UserError(f"{path}: cannot be read as an image, it ends early, {held} bytes for {size} bytes of voxels.", DAMAGED)
    with path.open("rb") as file:
        file.seek(start)
        stream = UNPACKERS[encoding](file)
        try:
            _pass_over(stream, skip, path)
            voxels = np.frombuffer(_read_exactly(stream, size, path), dtype)
            rest = encoding == "gzip" and _has_foreign_rest(stream)
        except STREAM_ERRORS as error:
            raise UserError(
                f"{path}: cannot be read as an image, it is damaged ({error or type(error).__name__}).", DAMAGED
            ) from error
    return voxels, rest


def _pass_over(stream, count: int, path: Path) -> None:
    while count:
        found = len(stream.read(min(count, CHUNK)))
        if not found:
            raise UserError(f"{path}: cannot be read as an image, it ends early.", DAMAGED)
        count -= found


def _read_exactly(stream, size: int, path: Path) -> bytearray:
    """Read ``size`` bytes into a buffer that grows with what comes, for a packed file may promise what it does not hold."""
    content = bytearray()
    while len(content) < size:
        found = stream.read(min(CHUNK, size - len(content)))
        if not found:
            raise UserError(
                f"{path}: cannot be read as an image, it ends early, {len(content)} of {size} bytes of voxels.", DAMAGED
            )
        content += found
    return content


def _has_foreign_rest(stream: io.BufferedReader) -> bool:
    """Read on by one byte, which compares the checksum where the stream ends there."""
    stream.read(1)
    return stream.raw.foreign
