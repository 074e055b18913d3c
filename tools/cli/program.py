"""What a user types to start the program."""

import sys
from pathlib import Path


def program() -> str:
    """Return the program as the user typed it: ``axial``, or ``python -m tools``."""
    path = Path(sys.argv[0])
    return f"python -m {path.parent.name}" if path.name == "__main__.py" else path.stem


def as_typed(text: str) -> str:
    """Replace the program in the commands that a text names, which stand as `axial ...` in the code."""
    return text.replace("`axial ", f"`{program()} ")
