"""CPU time that the command line takes before it does anything, against that of the libraries it is made with."""

import tempfile
from pathlib import Path

from ..bundles import get_bundle
from .cases import full_field_cases
from .processes import axial, run_python

LIBRARIES = ("-c", "import typer, rich.console, rich.progress, rich.table")
STARTS = {"--help": ("--help",), "a usage error": ("segment", "--no-such-option")}
RADIOGRAPHS = "chest_xray_organs_segmentation"
FRAMEWORKS = ("-c", "import torch, monai")
REPEATS = 5


def bench_startup(radiograph: bool = True) -> list[str]:
    """Return a line for ``--help``, for a usage error and for one radiograph: least CPU time, and its ratio to that of imports.

    Args:
        radiograph: whether one is segmented.
    """
    base = _cpu_time(LIBRARIES)
    notes = [
        f"{name} takes {_cpu_time(axial(*arguments)) / base:.1f} times the CPU time of importing Typer and Rich"
        for name, arguments in STARTS.items()
    ]
    if radiograph:
        with tempfile.TemporaryDirectory() as scratch:
            film = full_field_cases(get_bundle(RADIOGRAPHS), Path(scratch) / "data")[0]
            command = axial("segment", RADIOGRAPHS, str(film), "-o", str(Path(scratch) / "out"), "--overwrite")
            ratio = _cpu_time(command) / _cpu_time(FRAMEWORKS)
        notes.append(f"`axial segment` of one radiograph takes {ratio:.2f} times the CPU time of importing torch and MONAI")
    return notes


def _cpu_time(arguments: tuple[str, ...]) -> float:
    """Return the least CPU time in s of a Python process."""
    return min(run_python(arguments, codes=(0, 2)).seconds for _ in range(REPEATS))
