"""Whether memory grows with the number of cases."""

import shutil
import tempfile
from pathlib import Path

from ..bundles import Bundle
from .cases import full_field_cases
from .processes import axial, run_python

FEW = 10


def bench_many(bundle: Bundle, count: int) -> list[str]:
    """Say what the peak memory of `segment` is with `FEW` cases and with many, copies of the first whole one."""
    peaks = {}
    with tempfile.TemporaryDirectory() as scratch:
        case = full_field_cases(bundle, Path(scratch) / "data")[0]
        for number in (FEW, count):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            for index in range(number):
                shutil.copy(case, folder / f"case{index:04}{''.join(Path(case).suffixes)}")
            peaks[number] = run_python(axial("segment", bundle.name, str(folder), "-o", f"{folder}_out")).memory
    return [f"peak memory {peaks[FEW]:.0f} MiB with {FEW} cases, {peaks[count]:.0f} MiB with {count}"]
