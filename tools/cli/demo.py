"""``axial demo``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console, errors


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for pictures and report.")] = Path("demo_output"),
) -> None:
    """Run the shipped bundles on sample images and phantoms; write pictures and a report."""
    from ..demo import run_demo

    run_demo(output, console, errors)
