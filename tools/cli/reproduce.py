"""``axial reproduce``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from custom_networks.errors import UserError

from .console import console, errors
from .options import pairs


def reproduce(
    bundle: Annotated[str, typer.Argument(help="A bundle's name or a part of it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of data sets and scores.")],
    data: Annotated[list[str], typer.Option(metavar="NAME=FOLDER", help="Folder of a data set; repeatable.")] = [],
) -> None:
    """Measure the numbers of a bundle's README that need no training. Code 1 when one does not hold."""
    folders = {name: Path(folder) for name, folder in pairs(data, "--data")}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise UserError(f"--data {name}={folder}: no such folder.", "Give the folder of the data set.")
    from ..bundles import get_bundle
    from ..scoring.reproduce import reproduce as measure

    numbers = measure(get_bundle(bundle), output, folders, lambda text: errors.print(text, highlight=False, markup=False))
    table = Table("measured on", "score", "README", "now", "")
    for number in numbers:
        now = f"needs --data {number.needs}=FOLDER" if number.found is None else f"{number.found:.3f}"
        verdict = "" if number.found is None else "[green]holds[/green]" if number.holds else "[red]differs[/red]"
        table.add_row(number.title, number.name, f"{number.told:.3f}", now, verdict)
    console.print(table)
    raise typer.Exit(0 if all(number.holds for number in numbers) else 1)
