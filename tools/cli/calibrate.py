"""``axial calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import BundleName


def calibrate(
    bundle: BundleName,
    data: Annotated[
        list[Path] | None, typer.Argument(help="Data sets with dataset.json, of people that the weights never saw.")
    ] = None,
    results: Annotated[list[Path], typer.Option(help="Tables of results that --table wrote, in place of data sets.")] = [],
    foreign: Annotated[
        list[Path], typer.Option(help="Data sets of something else, such as other organs, where nothing is to be found.")
    ] = [],
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
    doubts_only: Annotated[
        bool, typer.Option("--doubts-only", help="Results are called doubtful and get no number, where it was not found to hold.")
    ] = False,
    limits: Annotated[
        bool, typer.Option("--limits", help="No number: doubt images that look unlike those in training; segments nothing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Learn nothing: say how the quality.json of today does on these people.")
    ] = False,
    table: Annotated[Path | None, typer.Option(help="CSV file of every result.")] = None,
) -> None:
    """Learn how far a bundle's results can be trusted, from people never seen and damaged copies of them; write quality.json."""
    data = data or []
    if bool(data or foreign) == bool(results):
        raise UserError("data sets or --results: one of them.", "Give data sets to segment, or tables of --table.")
    if weights and len(weights) != len(data):
        raise UserError(f"{len(weights)} weights for {len(data)} data sets.", "Give one --weights for each, in their order.")
    from custom_networks.data.data_list import load_data_list
    from custom_networks.quality.model import QualityModel

    from .. import api
    from ..bundles import get_bundle
    from ..scoring import calibrate as learning
    from ..scoring.judging import FOREIGN, TRAINING, WHOLE, judge_cases, read_results, write_results

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False, soft_wrap=True)

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    found = get_bundle(bundle)
    target = found.folder / "configs" / "quality.json"
    if limits:
        from ..results.kinds import kind_of
        from ..scoring import appearance

        vectors = [vector for folder in data for vector in appearance.look_at(found, load_data_list(folder, training), tell)]
        content = appearance.limits(vectors, empty_is_odd=not kind_of(found).may_be_empty)
        learning.write_quality(output or target, content)
        say(f"{content['about']}\nwrote {output or target}")
        return
    judged = [case for one in results for case in read_results(one)]
    for folder, file in zip(data, weights or [None] * len(data), strict=True):
        model = api.load(found, weights=file)
        if not check:
            seen = load_data_list(folder, training, may_be_empty=len(data) > 1)
            each = max(2, most // len(data))
            seen = seen[:: max(1, len(seen) // each)][:each]
            judged += judge_cases(model, folder, seen, 0, seed, tell, kind=TRAINING)
        unseen = load_data_list(folder, section, may_be_empty=len(data) > 1)
        judged += judge_cases(model, folder, unseen, copies, seed, tell, subject)
    for folder in foreign:
        judged += judge_cases(api.load(found), folder, load_data_list(folder, section), 0, seed, tell, kind=FOREIGN)
    if table is not None:
        write_results(table, judged)
    known, judged = ([case for case in judged if (case.kind == TRAINING) == seen] for seen in (True, False))
    if check:
        content = QualityModel.load(output or target).content
        say(f"all: {learning.check(judged, content, good)}")
        whole = [case for case in judged if case.kind == WHOLE]
        if whole and len(whole) < len(judged):
            say(f"undamaged: {learning.check(whole, content, good)}")
        return
    if not known:
        raise UserError(f"no result of section {training!r}.", "Say by --training which shows the people in training.")
    result = learning.calibrate(judged, learning.usual_vectors(known), good)
    learning.write_quality(output or target, result.content | ({"doubts_only": True} if doubts_only else {}))
    say(f"{result}\nwrote {output or target}")
