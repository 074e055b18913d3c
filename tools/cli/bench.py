"""``axial bench``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console
from .options import Trust, pairs, refuse_beside


def bench(
    context: typer.Context,
    bundles: Annotated[list[str] | None, typer.Argument(help="Bundles; all by default.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for benchmark.json and benchmark.md.")] = None,
    data: Annotated[
        list[str], typer.Option(metavar="[BUNDLE=]FOLDER", help="Data set to measure a bundle on, besides phantoms; repeatable.")
    ] = [],
    history: Annotated[Path | None, typer.Option(help="CSV file to add the ratios of this release to.")] = None,
    readme: Annotated[
        Path | None, typer.Option(help="Markdown file; its lines between the bench marks are replaced by the table.")
    ] = None,
    against: Annotated[
        list[str], typer.Option(metavar="[BUNDLE=]COMMIT", help="Commit to compare with, on a whole case; repeatable.")
    ] = [],
    many: Annotated[int, typer.Option(min=0, help="Number of radiographs whose peak memory is compared with that of ten.")] = 0,
    page: Annotated[
        int, typer.Option(min=0, help="Number of cases of a report to open, sort and filter in Chromium; measures nothing else.")
    ] = 0,
    draw: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw the ratios of all releases in --history; measures nothing.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the benchmark.json in OUTPUT, without measuring again what it holds.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Measure every stage against the machine's own peak, the memory, and whether bfloat16 may be the default."""
    from ..bundles import all_bundles, get_bundle

    if page:
        refuse_beside(context, "--page", {"output", "data", "history", "draw", "readme", "against", "many", "resume"})
        from ..benchmarks.page import bench_page

        console.print(bench_page(get_bundle(bundles[0], trust) if bundles else all_bundles()[0], page), highlight=False)
        return
    if draw is not None:
        refuse_beside(context, "--draw", {"bundles", "output", "data", "readme", "against", "many", "resume"})
        from ..benchmarks.history import draw_history

        draw_history(history, draw)
        return
    chosen = [get_bundle(name, trust) for name in bundles] if bundles else all_bundles()
    sets = {name: Path(folder) for name, folder in _by_bundle(data, "--data", chosen, trust).items()}
    commits = _by_bundle(against, "--against", chosen, trust)
    from ..benchmarks.run import bench as run_bench

    run_bench(chosen, console, output, readme, sets, history, commits, many, resume)


def _by_bundle(texts: list[str], option: str, chosen: list, trust: bool) -> dict[str, str]:
    """Return what ``BUNDLE=VALUE`` say by the full names of bundles; a value alone is that of the one bundle chosen."""
    from ..bundles import get_bundle

    if any("=" not in text for text in texts) and (len(chosen) != 1 or len(texts) != 1):
        raise UserError(f"{option} {texts[0]}: of which bundle?", f"Name one bundle, or give {option} BUNDLE=VALUE.")
    named = pairs(texts, option) if any("=" in text for text in texts) else [(chosen[0].name, text) for text in texts]
    return {get_bundle(name, trust).name: value for name, value in named}
