"""Memory of a process that lives long."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back_memory() -> None:
    """Return to the system what was freed; glibc keeps it otherwise, in pieces, and a process over many cases grows."""
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    if sys.platform == "linux":
        try:
            return ctypes.CDLL("libc.so.6").malloc_trim
        except (OSError, AttributeError):  # not glibc
            pass
    return lambda keep: None
