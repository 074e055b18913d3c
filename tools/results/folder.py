"""A folder of results, which several runs may share, at once or one after the other."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.tables import read_rows
from custom_networks.results.write_result import remove_leftovers

from .measures import COLUMNS, write_measures

REPORT_FILES = "report_files"  # what the page loads, beside it

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def prepare_folder(folder: Path) -> None:
    """Make a folder of results and see that it can be written to; remove what killed runs left half.

    Raises:
        UserError: when it is no folder, or cannot be written to.
    """
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UserError(f"{folder}: is a file, and results need a folder.", "Give -o a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (UserError, OSError, ValueError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or str(error)
        raise UserError(f"{folder}: results cannot be written there ({reason}).", "Give -o another folder.") from error
    for place in (folder, folder / REPORT_FILES, folder / REPORT_FILES / "cases"):
        remove_leftovers(place)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until no other process of this context holds the folder."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def update_measures(folder: Path, rows: Sequence[dict], done: Collection[str], exists: Callable[[str], bool]) -> None:
    """Write ``measures.csv``: rows of this run, and those of other runs whose results are there.

    Args:
        folder: of the results.
        rows: of the cases of this run, rows of `COLUMNS`.
        done: names of those cases, whose older rows go.
        exists: tells whether the result of a case is there.

    Raises:
        UserError: when the table cannot be written, or another file has its name.
    """
    path = folder / "measures.csv"
    others = [row for row in _read(path) if row["case"] not in done and exists(row["case"])]
    write_measures(path, sorted([*others, *rows], key=lambda row: row["case"]))


def _read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        columns, rows = read_rows(stream)
    if columns and tuple(columns) != COLUMNS:
        raise UserError(f"{path}: another table of that name is there.", "Move it, or give -o another folder.")
    return rows
