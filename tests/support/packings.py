"""Ways in which programs pack one content."""

import gzip
import struct
import zlib

END_OF_BLOCKS = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # as bgzip writes it


def in_blocks(content: bytes, size: int = 700) -> bytes:
    """Pack as bgzip does: blocks that say their length, and an empty one at the end."""
    packed = b""
    for start in range(0, len(content), size):
        block = content[start : start + size]
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        stream = deflate.compress(block) + deflate.flush()
        packed += bytes.fromhex("1f8b08040000000000ff060042430200") + struct.pack("<H", len(stream) + 25) + stream
        packed += struct.pack("<II", zlib.crc32(block), len(block))
    return packed + END_OF_BLOCKS


PACKINGS = {
    "best": lambda content: gzip.compress(content, 9),
    "stored": lambda content: gzip.compress(content, 0),
    "blocks": in_blocks,
    "several members": lambda content: gzip.compress(content[:400]) + gzip.compress(content[400:]),
    "padded": lambda content: gzip.compress(content) + 512 * b"\0",
    "not at all": lambda content: content,
}
