"""``axial convert-weights``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console
from .options import Overwrite
from .program import as_typed


def convert_weights(
    source: Annotated[str, typer.Argument(help="gmseg: the published Keras weights of the gray-matter network.")],
    files: Annotated[list[Path], typer.Argument(help="FILE.hdf5 and, where there is one, STATS.json")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The state dict to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Convert published weights into a checkpoint of ours."""
    from ..weights.convert import convert

    for line in convert(source, files, output, overwrite):
        console.print(as_typed(line), highlight=False, soft_wrap=True)
