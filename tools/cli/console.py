"""Where the command line prints: results on stdout, progress and errors on stderr."""

import sys

from rich.console import Console

WIDTH = None if sys.stdout.isatty() else 140
console = Console(width=WIDTH)
errors = Console(stderr=True, width=WIDTH)
