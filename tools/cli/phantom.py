"""``axial phantom``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import errors, tell_split
from .options import BundleName, Overwrite


def phantom(
    bundle: BundleName,
    destination: Annotated[Path, typer.Argument(help="Folder to create.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of cases.")] = 10,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal cases.")] = 0,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Cord: t2star, mt, t1. Chest: bright, dark. Lesions: healthy. Spine: lumbar, cervical, body, unusual, contrast, "
            "..., or situations: the hard ones of `axial situations`. Muscles: muscles, eight or regions. Drawn at random "
            "for each case by default, but eight for muscles, and with lesions."
        ),
    ] = None,
    shapes: Annotated[
        Path | None, typer.Option(help="Muscles: folder of MuscleMap's label maps, whose muscles are mixed and drawn.")
    ] = None,
    textures: Annotated[
        Path | None, typer.Option(help="Muscles: data set of slices to bend to the --shapes, instead of drawing phantoms.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw phantoms, images with exact labels, in the layout of the bundles; ``kidneys`` are for a task without a bundle."""
    from rich.progress import Progress

    from ..bundles import get_bundle
    from ..phantoms.write import KINDS, MUSCLES, WITHOUT_BUNDLE, WRITERS

    writers = WITHOUT_BUNDLE if bundle in WITHOUT_BUNDLE else WRITERS
    name = bundle if bundle in WITHOUT_BUNDLE else get_bundle(bundle, trust=True).name
    if name not in writers:
        raise UserError(f"{name}: has no phantoms.", "Its data come with `axial prepare`.")
    options = {key: value for key, value in (("shapes", shapes), ("textures", textures)) if value is not None}
    if options and name != MUSCLES:
        raise UserError(f"{name}: --{next(iter(options))} is of muscles alone.", "Leave it out.")
    if kind is not None and kind not in KINDS.get(name, [kind]):
        there = ", ".join(KINDS[name])
        raise UserError(f"--kind {kind}: {name} has no such phantoms.", f"Choose one of: {there}." if there else "Leave it out.")
    with Progress(console=errors) as progress:
        task = progress.add_task("phantoms", total=cases)
        path = writers[name](destination, cases, seed, overwrite, on_case=lambda: progress.advance(task), kind=kind, **options)
    tell_split(path)
