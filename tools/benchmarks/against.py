"""A whole case by this state of the repository and by an earlier one, in turns."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custom_networks.errors import UserError

from ..bundles import Bundle
from .cases import full_field_cases
from .processes import Usage, axial, run_python

HERE = Path(__file__).resolve().parents[2]
TURNS = 2  # of which the faster counts


def bench_against(bundle: Bundle, commit: str) -> list[str]:
    """Say what `segment` takes of the bundle's first case of a whole field of view, start and saving included, here and there.

    Raises:
        UserError: when this is no git checkout with that commit, or `segment` fails.
    """
    with tempfile.TemporaryDirectory() as scratch, checkout(commit) as there:
        case = full_field_cases(bundle, Path(scratch) / "data")[0]
        if isinstance(case, list):
            case = case[0].parent
        runs: dict[Path, list[Usage]] = {HERE: [], there: []}
        for _ in range(TURNS):
            for folder, found in runs.items():
                output = str(Path(scratch) / f"{folder.name}{len(found)}")
                found.append(run_python(axial("segment", bundle.name, str(case), "-o", output), folder))
    now, then = (Usage(min(use.seconds for use in found), min(use.memory for use in found)) for found in runs.values())
    return [
        f"from start to mask {now.seconds:.1f} s of CPU time and {now.memory:.0f} MiB; at {commit} {then.seconds:.1f} s and "
        f"{then.memory:.0f} MiB: {now.seconds / then.seconds:.2f} of the time, {now.memory / then.memory:.2f} of the memory"
    ]


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Have a commit of this repository in a folder of its own, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "then"
        try:
            _git("worktree", "add", "--detach", str(folder), commit)
            yield folder
        finally:
            if folder.exists():
                _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"git {' '.join(arguments)}: {done.stderr.strip()}", "Name a commit of this checkout.")
