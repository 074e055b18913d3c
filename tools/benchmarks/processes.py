"""What whole commands cost: CPU time and memory of processes of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from custom_networks.errors import UserError


@dataclass(frozen=True)
class Usage:
    """CPU time in s of a process, over all threads, and its peak memory in MiB."""

    seconds: float
    memory: float


def axial(*arguments: str) -> tuple[str, ...]:
    """Return what runs one of our commands by `run_python`; in a checkout the program is called as its folder."""
    return "-m", __package__.partition(".")[0], *arguments


def run_python(arguments: Sequence[str], folder: Path | None = None, codes: Sequence[int] = (0,)) -> Usage:
    """Run Python with arguments in a folder, in silence.

    Raises:
        UserError: when it ends with another exit code than those.
    """
    process = subprocess.Popen([sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise UserError(f"python {' '.join(arguments)}: ended with {process.returncode}.", f"Try it in {folder or Path.cwd()}.")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10)
