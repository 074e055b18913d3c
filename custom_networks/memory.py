"""Memory of a process that lives long."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

GROWTH = 32 * 2**20  # bytes beyond which it pays to look for cycles, which takes a quarter of a second

_least = 0  # bytes that were resident after the last look


def give_back_memory() -> None:
    """Return to the system what was freed, and free what only refers to itself, as images and their transforms do.

    glibc keeps what is freed in pieces, and Python looks for cycles rarely, as it counts objects and not bytes: a process over
    many cases grows otherwise.
    """
    global _least
    _trim()(0)
    if sys.platform != "linux":
        gc.collect()
    elif _resident() > _least + GROWTH:
        gc.collect()
        _trim()(0)
        _least = _resident()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@cache
def _trim() -> Callable[[int], object]:
    if sys.platform == "linux":
        try:
            return ctypes.CDLL("libc.so.6").malloc_trim
        except (OSError, AttributeError):  # not glibc
            pass
    return lambda keep: None
