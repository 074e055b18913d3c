"""``axial unpack``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from custom_networks.errors import UserError

from .console import console
from .options import Key, Overwrite


def unpack(
    archive: Annotated[Path, typer.Argument(help="Zip of a bundle.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to unpack into.")],
    key: Key = None,
    trust: Annotated[bool, typer.Option("--trust", help="Do not ask, whatever code the bundle holds.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Unpack a shared bundle safely: refuse what is unsafe, show the code that its configs would run, ask."""
    from ..sharing.unpacking import review
    from ..sharing.unpacking import unpack as unpack_bundle

    found = review(archive, key)
    table = Table("config", "kind", "text", "danger", title=f"What {found.top} would run")
    for finding in found.findings:
        table.add_row(finding.config, finding.kind, escape(finding.text), f"[red]{escape(finding.danger)}[/red]")
    for name in found.foreign:
        table.add_row(name, "Python", "not of this repository", "[yellow]read it first[/yellow]")
    console.print(table)
    if found.dangers and not trust:
        finding = found.dangers[0]
        raise UserError(f"{archive}: refused, {finding.config}: {finding.text} {finding.danger}.", "Ask its author, or --trust it.")
    if not trust and not typer.confirm("Unpack?"):
        raise typer.Exit(1)
    console.print(f"unpacked {unpack_bundle(found, output, overwrite)}", highlight=False, soft_wrap=True)
