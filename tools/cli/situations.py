"""``axial situations``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from ..benchmarks import COPIES
from .console import console, errors

BUNDLE = "vertebrae_ct_instance_segmentation"


def situations(
    copies: Annotated[int, typer.Option(min=1, help="Phantoms of every situation, the same each time.")] = COPIES,
    only: Annotated[list[str] | None, typer.Option(help="Only this situation; repeatable.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of the bundle's own.")] = None,
) -> None:
    """Test the vertebrae on phantoms of hard situations: whole body, neck, metal, L6, T13, 11 ribs, reversed header, ..."""
    from rich.progress import Progress
    from rich.table import Table

    from ..benchmarks.situations import add_up, try_situations
    from ..bundles import get_bundle
    from ..phantoms.spine_situations import SITUATIONS

    for name in only or ():
        if name not in SITUATIONS:
            raise UserError(f"{name}: no such situation.", f"Choose one of: {', '.join(SITUATIONS)}.")
    chosen = only or list(SITUATIONS)
    with Progress(console=errors) as progress:
        task = progress.add_task("phantoms", total=copies * len(chosen))
        tallies = try_situations(get_bundle(BUNDLE), copies, chosen, lambda: progress.advance(task), weights)
    phantoms = ("phantoms", "all numbers right", "with remnants", "certain", "certain and right", "doubted and named", "warned")
    table = Table("situation", *phantoms, "vertebrae", "found", "right", "completeness right", "false")
    for tally in [*tallies, *add_up(tallies)]:
        table.add_row(*(str(value) for value in vars(tally).values()))
    console.print(table)
