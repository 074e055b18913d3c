"""``axial convert-weights``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console
from .options import Overwrite
from .program import as_typed


def convert_weights(
    source: Annotated[
        str,
        typer.Argument(
            help="Weights of the gray-matter network: gmseg, the published Keras file; gmseg-torch, a state dict of the torch code."
        ),
    ],
    files: Annotated[list[Path], typer.Argument(help="FILE.hdf5 and, where there is one, STATS.json; or FILE.pt")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The state dict to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Convert published weights to one of our checkpoints."""
    from ..weights.convert import convert

    for line in convert(source, files, output, overwrite):
        console.print(as_typed(line), highlight=False, soft_wrap=True)
