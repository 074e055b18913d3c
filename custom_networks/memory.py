"""Memory of a process that lives long."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # what glibc's malloc.h calls them
KEPT = 512 * 2**20  # bytes at the end of the heap that stay with the process between two calls of `give_back_memory`
LARGEST = 64 * 2**20  # bytes of a block that comes from the heap; larger ones always go back
SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")  # by which users choose
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


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep what tensors free for the next ones, from now on in this process; return whether it does.

    Otherwise glibc gives the features of each layer back to the system and asks for them again: up to a fifth of the time of a 3D
    network goes into pages filled with zeros. Other C libraries, and users' own settings of it, stay as they are.
    """
    if sys.platform != "linux" or any(name in os.environ for name in SETTINGS):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # not glibc
        return False
    mallopt(MMAP_THRESHOLD, LARGEST)
    return bool(mallopt(TRIM_THRESHOLD, KEPT))


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
