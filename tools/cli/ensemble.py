"""``axial ensemble``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console, errors
from .options import BundleName, pairs
from .signals import resumable


def ensemble(
    bundle: BundleName,
    data: Annotated[Path, typer.Argument(help="Data set with dataset.json.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the members and the result; finished work in it is kept.")
    ],
    members: Annotated[
        int | None,
        typer.Option(min=1, help="Expected number of networks, as a check on network_def. Their seeds are 0, 1, ..."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Members to train at once.")] = 1,
    overlay: Annotated[list[str], typer.Option(help="Config on top of train.json for one member; repeatable.")] = ["one_network"],
    setting: Annotated[
        list[str], typer.Option("--set", metavar="ID=VALUE", help="Set an id of the config, such as max_epochs=5; repeatable.")
    ] = [],
) -> None:
    """Train several networks whose mean is a bundle's output, each with its own seed, and combine them."""
    settings = dict(pairs(setting, "--set"))
    from ..bundles import get_bundle
    from ..weights.ensemble import train_ensemble

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False)

    with resumable(tell):
        path = train_ensemble(get_bundle(bundle), data, output, members, overlay, settings, jobs, tell)
    console.print(f"wrote {path}", highlight=False, soft_wrap=True)
