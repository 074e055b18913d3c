"""Read and write tables as CSV that no program takes for formulas."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

FORMULA = tuple("=+-@\t\r'")  # begin what spreadsheets evaluate, and what is marked as a text already


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping], lineterminator: str = "\r\n") -> None:
    """Write rows as CSV in UTF-8; what a row lacks stays empty.

    A text that a spreadsheet would evaluate, such as the name of a stranger's file ``=HYPERLINK(...)``, gets an apostrophe in
    front, by which spreadsheets know a text; `read_rows` takes it off again. Numbers stay as they are.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator=lineterminator)
        writer.writerow({name: as_cell(name) for name in columns})
        writer.writerows({name: as_cell(value) for name, value in row.items()} for row in rows)


def read_rows(stream: TextIO) -> tuple[list[str], list[dict[str, str | None]]]:
    """Return columns and rows of a CSV table, its texts as they were before `write_rows`; a row that ends early has None."""
    reader = csv.DictReader(stream)
    columns = [from_cell(name) for name in reader.fieldnames or ()]
    if columns:
        reader.fieldnames = columns
    return columns, [{name: from_cell(value) if isinstance(value, str) else value for name, value in row.items()} for row in reader]


def as_cell(value: object) -> object:
    """Return what stands in a table for a value."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) and not is_number(value) else value


def from_cell(text: str) -> str:
    """Return the text that `as_cell` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def is_number(text: str) -> bool:
    """Tell whether a text is a number, NaN and infinity among them."""
    try:
        float(text)
    except ValueError:
        return False
    return True
