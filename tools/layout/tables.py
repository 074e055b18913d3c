"""Read tables that users give."""

import csv
from collections.abc import Collection
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.tables import read_rows


def read_table(path: Path, columns: Collection[str], remedy: str) -> list[dict[str, str]]:
    """Read a CSV file in UTF-8, with or without a mark of it.

    Args:
        path: the file.
        columns: that every row must have.
        remedy: what to do about one that is none.

    Raises:
        UserError: names the file, and the line that lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            names, rows = read_rows(stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: is not a table in UTF-8 ({error}).", remedy) from error
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise UserError(f"{path}: has no columns {', '.join(lacking)}.", remedy)
    for number, row in enumerate(rows, 2):
        if any(row[name] is None for name in columns):
            raise UserError(f"{path}: line {number} ends early.", remedy)
    return rows
