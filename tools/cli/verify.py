"""``axial verify``."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from .console import console
from .options import Key, Trust


def verify(
    bundle: Annotated[str, typer.Argument(help="A bundle's name, folder or zip.")], key: Key = None, trust: Trust = False
) -> None:
    """Check a bundle against the contract, as far as a program can. Exit code 1 if an item fails.

    Nothing of a zip, or of a folder from elsewhere, runs before its configs and code have passed a review.
    """
    from ..sharing.verifying import verify as verify_bundle

    table = Table("item", "result", "found")
    failed, lines = 0, []
    for item in verify_bundle(bundle, key, trust):
        failed += not item.passed
        lines += item.lines
        table.add_row(item.name, "[green]passed[/green]" if item.passed else "[red]failed[/red]", Text(item.found))
    console.print(table)
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    raise typer.Exit(1 if failed else 0)
