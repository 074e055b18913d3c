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
        Path, typer.Option("-o", "--output", help="Folder of the members and the result; what is done there is kept.")
    ],
    members: Annotated[
        int | None,
        typer.Option(min=1, help="How many networks, as a check; network_def names them. Their seeds are 0, 1, ..."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Members to train at once.")] = 1,
    overlay: Annotated[list[str], typer.Option(help="Config on top of train.json for one member; repeatable.")] = ["one_network"],
    setting: Annotated[
        list[str], typer.Option("--set", metavar="ID=VALUE", help="Value of a config's id, such as max_epochs=5; repeatable.")
    ] = [],
) -> None:
    """Train several networks whose mean is a bundle's answer, each with a seed of its own, and put them together."""
    settings = dict(pairs(setting, "--set"))
    from ..bundles import get_bundle
    from ..weights.ensemble import train_ensemble

    def tell(text: str) -> None:
        errors.print(text, highlight=False, markup=False)

    with resumable(tell):
        path = train_ensemble(get_bundle(bundle), data, output, members, overlay, settings, jobs, tell)
    console.print(f"wrote {path}", highlight=False, soft_wrap=True)
