"""``axial calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import BundleName, refuse_beside

FITS_NUMBER = {"foreign", "weights", "section", "subject", "good", "copies", "most", "seed", "doubts_only", "basis", "table"}
UNUSED = {  # beside an option these are without effect
    "limits --check": {"training", "results", *FITS_NUMBER} - {"section"},
    "limits": {"results", *FITS_NUMBER},
    "check": {"training", "most", "doubts_only", "basis"},
    "results": {"data", "foreign", "weights", "section", "training", "subject", "copies", "most", "seed"},
}


def calibrate(
    context: typer.Context,
    bundle: BundleName,
    data: Annotated[list[Path] | None, typer.Argument(help="Data sets with dataset.json, of people the weights never saw.")] = None,
    results: Annotated[list[Path], typer.Option(help="Tables of results written by --table, in place of data sets.")] = [],
    foreign: Annotated[
        list[Path], typer.Option(help="Data sets of something else, such as other organs, where there is nothing to find.")
    ] = [],
    weights: Annotated[
        list[Path], typer.Option(help="Weights in place of the bundle's, one for each data set, such as those of folds.")
    ] = [],
    section: Annotated[str, typer.Option(help="Section with the people never seen.")] = "test",
    training: Annotated[str, typer.Option(help="Section that shows what the people in training look like.")] = "training",
    subject: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Part of a case's name that is its subject; by default the whole name.")
    ] = None,
    good: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Lowest Dice of a good result; 0.8 by default, with --check as in quality.json."),
    ] = None,
    copies: Annotated[int, typer.Option(min=0, help="Number of damaged copies of each case.")] = 4,
    most: Annotated[int, typer.Option(min=2, help="Number of training cases to look at.")] = 40,
    seed: Annotated[int, typer.Option(help="Seed of the damage.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File in place of the bundle's quality.json, to write, or with --check to read."),
    ] = None,
    doubts_only: Annotated[
        bool,
        typer.Option("--doubts-only", help="Only call results doubtful, without a number, if the number was not found to hold."),
    ] = False,
    limits: Annotated[
        bool, typer.Option("--limits", help="No number: only doubt images that look unlike those in training. Segments nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Fit nothing: print how well the present quality.json does on these people, with --limits their distances.",
        ),
    ] = False,
    basis: Annotated[
        str, typer.Option(help="What records and reports say about the data of the fit, such as who the people are.")
    ] = "",
    table: Annotated[Path | None, typer.Option(help="CSV file to write every result to.")] = None,
) -> None:
    """Fit how far a bundle's results can be trusted, on people never seen and damaged copies of them; write quality.json."""
    for option, given in {"limits --check": limits and check, "limits": limits, "check": check, "results": results}.items():
        if given:
            refuse_beside(context, f"--{option}", UNUSED[option])
            if limits:
                break
    data = data or []
    if not (data or results or foreign):
        raise UserError("nothing to learn from.", "Give data sets, or tables of --table by --results.")
    if weights and len(weights) != len(data):
        raise UserError(f"{len(weights)} weights for {len(data)} data sets.", "Give one --weights for each, in their order.")
    from custom_networks.data.data_list import load_data_list

    from .. import api
    from ..bundles import get_bundle
    from ..scoring import calibrate as learning
    from ..scoring.judging import FOREIGN, TRAINING, judge_cases, read_results, write_results

    found = get_bundle(bundle)
    target = output or found.folder / "configs" / "quality.json"
    if limits:
        (_say_distances if check else _write_limits)(found, data, section if check else training, target)
        return
    judged = [case for one in results for case in read_results(one)]
    for folder, file in zip(data, weights or [None] * len(data), strict=True):
        model = api.load(found, weights=file)
        if not check:
            seen = load_data_list(folder, training, may_be_empty=len(data) > 1)
            each = max(2, most // len(data))
            seen = seen[:: max(1, len(seen) // each)][:each]
            judged += judge_cases(model, folder, seen, 0, seed, _tell, kind=TRAINING)
        unseen = load_data_list(folder, section, may_be_empty=len(data) > 1)
        judged += judge_cases(model, folder, unseen, copies, seed, _tell, subject)
    for folder in foreign:
        judged += judge_cases(api.load(found), folder, load_data_list(folder, section), 0, seed, _tell, kind=FOREIGN)
    if table is not None:
        write_results(table, judged)
    known, judged = ([case for case in judged if (case.kind == TRAINING) == seen] for seen in (True, False))
    if check:
        _say_check(judged, target, good)
        return
    if not known:
        raise UserError(f"no result of section {training!r}.", "Say by --training which shows the people in training.")
    result = learning.calibrate(judged, learning.usual_vectors(known), learning.LEAST if good is None else good, basis)
    with found.parser("inference.json") as parser:
        names = parser.get("names")
    of = {"names": names} if isinstance(names, list) else {}
    learning.write_quality(target, result.content | of | ({"doubts_only": True} if doubts_only else {}))
    _say(f"{result}\nwrote {target}")


def _write_limits(bundle, data: list[Path], training: str, target: Path) -> None:
    """Write a quality.json that doubts images unlike those in training, and knows no number."""
    from custom_networks.data.data_list import load_data_list

    from ..results.kinds import kind_of
    from ..scoring import appearance
    from ..scoring.calibrate import write_quality

    listed = [entry for folder in data for entry in load_data_list(folder, training, labels=False)]
    vectors = list(appearance.look_at(bundle, listed, _tell))
    content = appearance.limits(vectors, empty_is_odd=not kind_of(bundle).may_be_empty)
    write_quality(target, content)
    _say(f"{content['about']}\nwrote {target}")


def _say_distances(bundle, data: list[Path], section: str, target: Path) -> None:
    """Say how far images lie from those in training, and where the limits are."""
    from custom_networks.data.data_list import load_data_list
    from custom_networks.quality.model import QualityModel

    from ..scoring import appearance

    content = QualityModel.load(target).content
    for folder in data:
        listed = load_data_list(folder, section, labels=False)
        found = appearance.distances(appearance.look_at(bundle, listed, _tell), content)
        for name, values in found.items():
            told = ", ".join(f"{value:.2f}" for value in sorted(values))
            _say(f"{folder}: {name} {told}; limit {content['limits'][name]:g}")


def _say_check(judged: list, target: Path, good: float | None) -> None:
    """Say how a quality.json does on all results, and on those of undamaged images."""
    from custom_networks.quality.model import QualityModel

    from ..scoring.calibrate import check
    from ..scoring.judging import WHOLE

    content = QualityModel.load(target).content
    _say(f"all: {check(judged, content, good)}")
    whole = [case for case in judged if case.kind == WHOLE]
    if whole and len(whole) < len(judged):
        _say(f"undamaged: {check(whole, content, good)}")


def _tell(text: str) -> None:
    errors.print(text, highlight=False, markup=False, soft_wrap=True)


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
