"""``axial synthesise``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import errors, tell_split
from .options import Overwrite


def synthesise(
    sources: Annotated[
        list[Path], typer.Argument(help="Label maps of vertebrae, folders of them, or data sets of CT with labels.")
    ],
    destination: Annotated[Path, typer.Option("-o", "--output", help="Folder to create.")],
    copies: Annotated[int, typer.Option(min=1, help="Cases to make from every source.")] = 30,
    pelvis: Annotated[
        Path | None,
        typer.Option(help="Folder of MyoTorso's meshes (MyoHub/myo_sim, folder meshes), for sacrum and pelvis below L5."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal cases.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Leave noise, kernel and slice thickness to the augmentation in training.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Synthesise CT with exact instances from label maps, or deformed copies of labelled scans."""
    from rich.progress import Progress

    from ..synthesis.write import find_sources, write_synthetic

    found = find_sources(sources, pelvis, seed)
    with Progress(console=errors) as progress:
        task = progress.add_task("synthetic CT", total=copies * len(found))
        path = write_synthetic(destination, found, copies, seed, jobs, overwrite, quiet, lambda: progress.advance(task))
    tell_split(path)
