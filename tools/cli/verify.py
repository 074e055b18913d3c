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
    """Check what the contract of a bundle asks and a program can see. Code 1 when an item fails.

    Of zips, and of folders that are not of this repository, nothing runs before a review of their configs and code has passed.
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
