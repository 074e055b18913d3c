"""``axial bench``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console
from .options import Trust


def bench(
    bundles: Annotated[list[str] | None, typer.Argument(help="Bundles; all where none is named.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder of benchmark.json and benchmark.md.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data set to measure one bundle on, in place of phantoms.")] = None,
    readme: Annotated[Path | None, typer.Option(help="Markdown file whose lines between the marks become the table.")] = None,
    trust: Trust = False,
) -> None:
    """Measure seconds of every stage, peak memory, and whether bfloat16 may be the default."""
    from ..bundles import all_bundles, get_bundle

    if data is not None and len(bundles or []) != 1:
        raise UserError(f"--data {data}: for one bundle only.", "Name the bundle.")
    chosen = [get_bundle(name, trust) for name in bundles] if bundles else all_bundles()
    from ..benchmarks.run import bench as run_bench

    run_bench(chosen, console, output, readme, data)
