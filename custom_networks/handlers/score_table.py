"""Print scores."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from monai.utils import optional_import

Table, has_rich = optional_import("rich.table", name="Table")
Console, _ = optional_import("rich.console", name="Console")
COLUMNS = ("score", "mean", "sd", "lowest", "highest", "n")


def print_scores(scores: Mapping[str, Sequence[float]], path: Path) -> None:
    """Print mean, standard deviation and range of every score over the cases where it is finite, and where each case's are.

    Without Rich, which MONAI Label does not install, columns stand below each other without lines.

    Args:
        scores: name to the values of all cases.
        path: the file with the cases.
    """
    rows = [summary(name, values) for name, values in scores.items()]
    if has_rich:
        table = Table(*COLUMNS)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 100).print(table)
    else:
        for row in (COLUMNS, *rows):
            print(f"{row[0]:40}", *(f"{cell:>9}" for cell in row[1:]))
    print(f"Each case: {path.resolve()}", flush=True)


def summary(name: str, values: Sequence[float]) -> tuple[str, ...]:
    """Return the cells of a score's row."""
    finite = np.array([value for value in values if np.isfinite(value)])
    if not len(finite):
        return name, "", "", "", "", "0"
    spread = f"{finite.std(ddof=1):.3f}" if len(finite) > 1 else ""
    return name, f"{finite.mean():.3f}", spread, f"{finite.min():.3f}", f"{finite.max():.3f}", str(len(finite))
