"""CPU time that the command line takes before it does anything, against that of the libraries it is made with."""

import os
import subprocess
import sys
from statistics import median

LIBRARIES = ("-c", "import typer, rich.console, rich.progress, rich.table")
STARTS = {"--help": ("--help",), "a usage error": ("segment", "--no-such-option")}
REPEATS = 7


def bench_startup() -> list[str]:
    """Return a line for ``--help`` and for a usage error: median CPU time, and its ratio to importing Typer and Rich."""
    base = _cpu_time(LIBRARIES)
    times = {name: _cpu_time(("-m", __package__.partition(".")[0], *arguments)) for name, arguments in STARTS.items()}
    return [
        f"start: {name} takes {seconds:.2f} s of CPU time, {seconds / base:.1f} times importing Typer and Rich ({base:.2f} s)"
        for name, seconds in times.items()
    ]


def _cpu_time(arguments: tuple[str, ...]) -> float:
    """Return the median CPU time in s of a Python process."""
    found = []
    for _ in range(REPEATS):
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        found.append(used.ru_utime + used.ru_stime)
    return median(found)
