"""``axial bench``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console
from .options import Trust, pairs


def bench(
    bundles: Annotated[list[str] | None, typer.Argument(help="Bundles; all where none is named.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder of benchmark.json and benchmark.md.")] = None,
    data: Annotated[
        list[str], typer.Option(metavar="[BUNDLE=]FOLDER", help="Data set to measure a bundle on, beside phantoms; repeatable.")
    ] = [],
    history: Annotated[Path | None, typer.Option(help="CSV file to keep the ratios of this release in.")] = None,
    readme: Annotated[Path | None, typer.Option(help="Markdown file whose lines between the marks become the table.")] = None,
    trust: Trust = False,
) -> None:
    """Measure every stage against the machine's own peak, memory, and whether bfloat16 may be the default."""
    from ..bundles import all_bundles, get_bundle

    chosen = [get_bundle(name, trust) for name in bundles] if bundles else all_bundles()
    if any("=" not in text for text in data) and (len(chosen) != 1 or len(data) != 1):
        raise UserError(f"--data {data[0]}: of which bundle?", "Name one bundle, or give --data BUNDLE=FOLDER.")
    named = pairs(data, "--data") if any("=" in text for text in data) else [(chosen[0].name, text) for text in data]
    sets = {get_bundle(name, trust).name: Path(folder) for name, folder in named}
    from ..benchmarks.run import bench as run_bench

    run_bench(chosen, console, output, readme, sets, history)
