"""``axial crossvalidate``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import BundleName, pairs


def crossvalidate(
    bundle: BundleName,
    data: Annotated[Path, typer.Argument(help="Data set with dataset.json; its training and test cases are divided.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the folds; what is done there is kept.")],
    folds: Annotated[str, typer.Option(metavar="N|subjects", help="Number of folds, or one for each subject.")] = "subjects",
    subject: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="What in a case's name is its subject; cases that it does not fit train in every fold."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Folds to train at once.")] = 1,
    overlay: Annotated[list[str], typer.Option(help="Config on top of train.json; repeatable.")] = [],
    setting: Annotated[
        list[str], typer.Option("--set", metavar="ID=VALUE", help="Value of a config's id, such as max_epochs=5; repeatable.")
    ] = [],
) -> None:
    """Train a bundle with cases left out, score those, and print mean, standard deviation and interval."""
    if folds != "subjects" and not folds.isdigit():
        raise UserError(f"--folds {folds}: neither a number nor subjects.", "For instance --folds 5.")
    settings = dict(pairs(setting, "--set"))
    from ..bundles import get_bundle
    from ..scoring.crossvalidate import CrossValidation, summary

    number = folds if folds == "subjects" else int(folds)
    validation = CrossValidation(get_bundle(bundle), data, output, number, subject, overlay, settings, jobs)
    table = validation.run(lambda text: errors.print(text, highlight=False, markup=False))
    for name, line in summary(table):
        console.print(f"{name}: {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {table}", highlight=False, soft_wrap=True)
