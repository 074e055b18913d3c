"""Write a result whole or not at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import UserError


def write_result(target: Path, write: Callable[[Path], None], suffix: str = "") -> None:
    """Write to a temporary name beside ``target`` and rename it, so that a file under the final name is always whole.

    Args:
        target: the file; its folder is made when missing.
        write: writes to the path that it is given.
        suffix: end of the temporary name, where the writer tells formats by it.

    Raises:
        UserError: when the file cannot be written.
    """
    temporary = target.with_name(f".{target.name}.partial{suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}).", "Free the disk or choose another folder.") from error


def write_json(target: Path, content: dict) -> None:
    """Write JSON by `write_result`."""
    write_result(target, lambda path: path.write_text(json.dumps(content, indent=2) + "\n"))
