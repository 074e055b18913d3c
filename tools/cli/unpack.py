"""``axial unpack``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from custom_networks.errors import UserError

from .console import console
from .options import Key, Overwrite, Trust

MOST_LINES = 20  # of what is harmless


def unpack(
    archive: Annotated[Path, typer.Argument(help="Zip of a bundle.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to unpack into.")],
    key: Key = None,
    trust: Trust = False,
    overwrite: Overwrite = False,
) -> None:
    """Unpack a shared bundle safely: refuse what is unsafe, show what is not from this repository, and ask."""
    from ..sharing.review import review
    from ..sharing.unpacking import unpack as unpack_bundle

    found = review(archive, key)
    _print(f"{archive.name}: {found.top}, {len(found.contents)} files, {found.signature}; {found}")
    for finding in found.harmless[:MOST_LINES]:
        _print(f"  harmless: {finding}")
    if len(found.harmless) > MOST_LINES:
        _print(f"  and {len(found.harmless) - MOST_LINES} more that are harmless")
    for finding in found.findings:
        _print(f"  {'trusted' if trust else 'refused'}: {finding}", style="yellow" if trust else "red")
    if found.findings and not trust:
        raise UserError(f"{archive}: refused, {len(found.findings)} entries do not pass.", "Ask its author, or give --trust.")
    if not trust and not _confirm(f"Unpack {found.top}?", archive):
        raise typer.Exit(1)
    _print(f"unpacked {unpack_bundle(found, output, overwrite)}")


def _confirm(question: str, archive: Path) -> bool:
    """Ask; where nobody can answer, as in a script, say so."""
    try:
        return typer.confirm(question)
    except typer.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        raise UserError(f"{archive}: not unpacked, as nobody answered.", "Run it in a terminal, or give --trust.") from error


def _print(line: str, style: str = "") -> None:
    """Print a line of a stranger's words: no markup, no links."""
    console.print(Text(line, style=style), soft_wrap=True)
