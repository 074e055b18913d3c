"""Where the command line prints: results on stdout, progress and errors on stderr."""

import sys
from pathlib import Path

from rich.console import Console

WIDTH = None if sys.stdout.isatty() else 140
console = Console(width=WIDTH)
errors = Console(stderr=True, width=WIDTH)


def tell_split(data_list: Path) -> None:
    """Say where a data list was written, and how many cases train, validate and test."""
    from ..layout.split import describe_split

    console.print(f"wrote {data_list}: {describe_split(data_list)}", highlight=False, markup=False, soft_wrap=True)
