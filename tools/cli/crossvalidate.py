"""``axial crossvalidate``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import BundleName, pairs
from .signals import resumable


def crossvalidate(
    bundle: BundleName,
    data: Annotated[Path, typer.Argument(help="Data set with dataset.json; its training and test cases are divided into folds.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the folds; finished work in it is kept.")],
    folds: Annotated[str, typer.Option(metavar="N|subjects", help="Number of folds, or one for each subject.")] = "subjects",
    subject: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Part of a case's name that is its subject; cases without a match train in every fold."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Folds to train at once.")] = 1,
    overlay: Annotated[list[str], typer.Option(help="Config on top of train.json; repeatable.")] = [],
    setting: Annotated[
        list[str], typer.Option("--set", metavar="ID=VALUE", help="Set an id of the config, such as max_epochs=5; repeatable.")
    ] = [],
    weights: Annotated[
        Path | None, typer.Option(help="Folder with the weights of each fold, FOLD.pt, or of an earlier run; trains nothing.")
    ] = None,
    choose: Annotated[
        str | None,
        typer.Option(
            metavar="ID=VALUE,...",
            help="Choose the value of a config's id, such as threshold=0.5,0.6, for each fold on the other folds.",
        ),
    ] = None,
    combine: Annotated[
        bool,
        typer.Option(
            "--combine",
            help="Also score the average of the folds' weights and the mean of their outputs on the validation cases; "
            "the best becomes model.pt.",
        ),
    ] = False,
) -> None:
    """Train a bundle with cases left out, score them, and print mean, standard deviation and interval."""
    if folds != "subjects" and not folds.isdigit():
        raise UserError(f"--folds {folds}: neither a number nor subjects.", "For instance --folds 5.")
    settings = dict(pairs(setting, "--set"))
    if weights is not None and not weights.is_dir():
        raise UserError(f"--weights {weights}: no such folder.", "Give a folder with weights of each fold.")
    choice = _choice(choose)
    if combine and choice:
        raise UserError("--combine and --choose: only one of them.", "Choose first, then combine with --set ID=VALUE.")
    from ..bundles import get_bundle
    from ..layout.data_list import read_list
    from ..scoring.crossvalidate import PAGE, CrossValidation, summarise, summary

    if combine:
        from ..scoring.combining import OVERLAY, check_combining
        from ..scoring.combining import combine as combine_folds

        check_combining(data, read_list(data))
    number = folds if folds == "subjects" else int(folds)
    validation = CrossValidation(get_bundle(bundle), data, output, number, subject, overlay, settings, jobs, weights, choice)

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False)

    with resumable(tell):
        table = validation.run(tell)
    if choice:
        from ..scoring.spread import main_score

        for value, rows in validation.tables().items():
            name = main_score(rows)
            console.print(
                f"{choice[0]} {value} for all, {name}: {dict(summarise(rows))[name]}", highlight=False, markup=False, soft_wrap=True
            )
        console.print(f"{choice[0]} chosen for each fold on the others:")
    for name, line in summary(table):
        console.print(f"{name}: {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {table} and, for a README, {table.with_name(PAGE)}", highlight=False, soft_wrap=True)
    if combine:
        with resumable(tell):
            candidates, best = combine_folds(validation, tell)
        for candidate in candidates:
            score = "could not be scored" if candidate.score is None else candidate.score
            console.print(f"validation, {candidate.name}: {score}", highlight=False, markup=False, soft_wrap=True)
        files = f"{output / 'model.pt'}{f' and its network, {output / OVERLAY}' if best.overlays else ''}"
        console.print(f"wrote {files}: {best.name} scores best", highlight=False, markup=False, soft_wrap=True)


def _choice(text: str | None) -> tuple[str, list[str]] | None:
    if text is None:
        return None
    ((name, values),) = pairs([text], "--choose")
    found = [value.strip() for value in values.split(",") if value.strip()]
    if len(found) < 2:
        raise UserError(f"--choose {text}: fewer than two values.", "For instance --choose threshold=0.5,0.6,0.7.")
    return name.strip(), found
