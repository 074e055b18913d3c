"""Write a result whole or not at all."""

import contextlib
import json
import os
import platform
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import UserError

HOST = re.sub(r"[^A-Za-z0-9.]", "_", platform.node())
PARTIAL = re.compile(r"\.axial-(?P<host>[\w.]*)-(?P<process>\d+)-[0-9a-f]+\.partial(\..*)?", re.ASCII)


def write_result(target: Path, write: Callable[[Path], None], suffix: str = "") -> None:
    """Write to a temporary name beside ``target`` and rename it, so that a file under the final name is always whole.

    The temporary name is of this process and call alone; it is gone afterwards, whatever happens.

    Args:
        target: the file; its folder is made when missing.
        write: writes to the path that it is given.
        suffix: end of the temporary name, where the writer tells formats by it.

    Raises:
        UserError: when the file cannot be written.
    """
    temporary = _temporary(target.parent, suffix)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UserError(f"{target}: cannot be written ({reason}).", "Free the disk or choose another folder.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def mark(folder: Path) -> Iterator[Path]:
    """Give a file in a folder, by which others tell within a context whether they see the same folder."""
    path = _temporary(folder.resolve())
    path.touch()
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def write_json(target: Path, content: dict | list) -> None:
    """Write JSON by `write_result`."""
    write_result(target, lambda path: path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of `write_result` and `mark` whose process was killed, of this machine alone."""
    for path in folder.glob(".axial-*.partial*"):
        name = PARTIAL.fullmatch(path.name)
        if name and name["host"] == HOST and not _runs(int(name["process"])):
            with contextlib.suppress(OSError):
                path.unlink()


def _temporary(folder: Path, suffix: str = "") -> Path:
    return folder / f".axial-{HOST}-{os.getpid()}-{uuid.uuid4().hex[:12]}.partial{suffix}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user, so it runs
        return True
    return True
