"""What whole commands cost: CPU time and memory of processes of their own."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from custom_networks.errors import UserError

# Started from a small process, as Linux counts the memory of the one that starts another among the other's
MEASURE = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


STATUS = Path("/proc/self/status")  # of Linux


@dataclass(frozen=True)
class Usage:
    """CPU time in s of a process, over all threads, and its peak memory in MiB."""

    seconds: float
    memory: float


def own_peak_memory() -> float:
    """Return the peak memory in MiB of this process; on Linux without that of the process that it was forked from."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def axial(*arguments: str) -> tuple[str, ...]:
    """Return what runs one of our commands by `run_python`; in a checkout the program is called as its folder."""
    return "-m", __package__.partition(".")[0], *arguments


def run_python(arguments: Sequence[str], folder: Path | None = None, codes: Sequence[int] = (0,)) -> Usage:
    """Run Python with arguments in a folder, in silence.

    Raises:
        UserError: when it ends with another exit code than those.
    """
    command = [sys.executable, "-I", "-S", "-c", MEASURE, sys.executable, *arguments]
    printed = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
    code, seconds, memory = json.loads(printed)
    if code not in codes:
        raise UserError(f"python {' '.join(arguments)}: ended with {code}.", f"Try it in {folder or Path.cwd()}.")
    return Usage(seconds, memory / 2**10)
