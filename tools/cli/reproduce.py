"""``axial reproduce``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from custom_networks.errors import UserError

from .console import console, errors
from .options import pairs
from .signals import resumable


def reproduce(
    bundle: Annotated[str, typer.Argument(help="Name of a bundle, part of the name, or a folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for data sets and scores.")],
    data: Annotated[list[str], typer.Option(metavar="NAME=FOLDER", help="Folder of a data set; repeatable.")] = [],
) -> None:
    """List all numbers in a bundle's README and measure those that need no training. Exit code 1 if one differs."""
    folders = {name: Path(folder) for name, folder in pairs(data, "--data")}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise UserError(f"--data {name}={folder}: no such folder.", "Give the folder of the data set.")
    from ..bundles import get_bundle
    from ..scoring.reproduce import reproduce as measure

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False)

    with resumable(tell):
        numbers = measure(get_bundle(bundle), output, folders, tell)
    table = Table("measured on", "score", "README", "now", "")
    titles = [number.title for number in numbers]
    for number, before in zip(numbers, ["", *titles], strict=False):
        told, now = ("" if value is None else f"{value:.3f}".removesuffix(".000") for value in (number.told, number.found))
        verdict = number.why_not if number.found is None else "holds" if number.holds else "differs"
        style = None if number.found is None else "green" if number.holds else "red"
        table.add_row(
            "" if number.title == before else escape(number.title), escape(number.name), told, now, Text(verdict, style or "")
        )
    console.print(table)
    raise typer.Exit(0 if all(number.holds for number in numbers) else 1)
