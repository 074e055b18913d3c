"""``axial verify``."""

from typing import Annotated

import typer
from rich.table import Table

from .console import console
from .options import Key


def verify(bundle: Annotated[str, typer.Argument(help="A bundle's name, folder or zip.")], key: Key = None) -> None:
    """Check what the contract of a bundle asks and a program can see. Code 1 when an item fails."""
    from ..sharing.verifying import verify as verify_bundle

    table = Table("item", "result", "found")
    failed = 0
    for item in verify_bundle(bundle, key):
        failed += not item.passed
        table.add_row(item.name, "[green]passed[/green]" if item.passed else "[red]failed[/red]", item.found)
    console.print(table)
    raise typer.Exit(1 if failed else 0)
