"""``axial calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json

from .console import console, errors
from .options import BundleName


def calibrate(
    bundle: BundleName,
    data: Annotated[list[Path], typer.Argument(help="Data sets with dataset.json, of people that the weights never saw.")],
    weights: Annotated[
        list[Path], typer.Option(help="Weights in place of the bundle's, one for each data set, such as those of folds.")
    ] = [],
    section: Annotated[str, typer.Option(help="Section of the people never seen.")] = "test",
    training: Annotated[str, typer.Option(help="Section that says how people in training look.")] = "training",
    subject: Annotated[
        str | None, typer.Option(metavar="REGEX", help="What in a case's name is its subject; otherwise the name.")
    ] = None,
    good: Annotated[float, typer.Option(min=0, max=1, help="The smallest Dice of a good result.")] = 0.8,
    copies: Annotated[int, typer.Option(min=0, help="Damaged copies of each case.")] = 4,
    most: Annotated[int, typer.Option(min=2, help="Cases of training to look at.")] = 40,
    seed: Annotated[int, typer.Option(help="Of the damage.")] = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File in place of the bundle's quality.json.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Learn nothing: say how the quality.json of today does on these people.")
    ] = False,
    table: Annotated[Path | None, typer.Option(help="CSV file of every result.")] = None,
) -> None:
    """Learn how far a bundle's results can be trusted, from people never seen and damaged copies of them; write quality.json."""
    if weights and len(weights) != len(data):
        raise UserError(f"{len(weights)} weights for {len(data)} data sets.", "Give one --weights for each, in their order.")
    from custom_networks.data.data_list import load_data_list

    from .. import api
    from ..bundles import get_bundle
    from ..scoring.calibrate import calibrate as learn
    from ..scoring.calibrate import check as compare
    from ..scoring.calibrate import run_cases, usual_vectors, write_cases

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False, soft_wrap=True)

    found = get_bundle(bundle)
    known, judged = [], []
    for folder, file in zip(data, weights or [None] * len(data), strict=True):
        model = api.load(found, weights=file)
        if not check:
            seen = load_data_list(folder, training)
            each = max(2, most // len(data))
            known += run_cases(model, folder, seen[:: max(1, len(seen) // each)][:each], 0, seed, tell)
        judged += run_cases(model, folder, load_data_list(folder, section), copies, seed, tell, subject)
    if table is not None:
        write_cases(table, judged)
    if check:
        whole = [case for case in judged if case.kind == "none"]
        parts = {"all": judged} | ({"undamaged": whole} if copies else {})
        for name, cases in parts.items():
            console.print(f"{name}: {compare(cases, good)}", highlight=False, markup=False, soft_wrap=True)
        return
    result = learn(judged, usual_vectors(known), good)
    target = output or found.folder / "configs" / "quality.json"
    write_json(target, result.content)
    console.print(f"{result}\nwrote {target}", highlight=False, markup=False, soft_wrap=True)
