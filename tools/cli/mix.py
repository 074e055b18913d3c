"""``axial mix``."""

import math
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import tell_split
from .options import Overwrite, pairs


def mix(
    parts: Annotated[
        list[str],
        typer.Argument(
            help="FOLDER=WEIGHT[@AFTER]: a data set, its share of the draws, the share of epochs after which it joins (lesions)."
        ),
    ],
    destination: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    whole: Annotated[bool, typer.Option("--whole", help="Also train on the validation and test cases of the parts.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Combine several data sets into one, leaving their files in place, with a weight for each in training."""
    named = [(Path(folder), text.split("@")) for folder, text in pairs(parts, "")]
    texts = dict(named)
    twice = [folder for folder, count in Counter(folder.resolve() for folder, _ in named).items() if count > 1]
    if twice:
        raise UserError(f"{twice[0]}: named twice.", "Give each folder one weight.")
    shares = {folder: _share(text[0]) for folder, text in texts.items()}
    after = {folder: _share("@".join(text[1:])) for folder, text in texts.items() if len(text) > 1}
    if any(share >= 1 for share in after.values()):
        raise UserError("@AFTER is a share of the epochs, at least 0 and under 1.", "For instance data/real=0.4@0.8.")
    if not any(share and not after.get(folder) for folder, share in shares.items()):
        raise UserError("nothing is drawn in the first epoch.", "Give one folder a weight without @AFTER.")
    from ..layout.mixing import merge

    tell_split(merge(destination, shares, overwrite, whole, after))


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise UserError(f"{text}: not a weight.", "Give FOLDER=WEIGHT, for instance data/real=0.4.")
    return share
