"""``axial mix``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import tell_split
from .options import Overwrite, pairs


def mix(
    parts: Annotated[list[str], typer.Argument(help="FOLDER=WEIGHT: a data set and its share of what is drawn in training.")],
    destination: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    whole: Annotated[bool, typer.Option("--whole", help="Train with what the parts keep for validation and test, too.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Make one data set out of several, which stay where they are, with a weight in training for each."""
    shares = {Path(folder): _share(weight) for folder, weight in pairs(parts, "")}
    from ..layout.mixing import merge

    tell_split(merge(destination, shares, overwrite, whole))


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{text}: no number.", "Give FOLDER=WEIGHT, for instance data/real=0.4.") from error
