"""``axial pack``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console


def pack(
    bundle: Annotated[str, typer.Argument(help="A bundle's name or a part of it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the zip.")],
    sign: Annotated[Path | None, typer.Option("--sign", metavar="PRIVATE_KEY", help="Sign it with this key.")] = None,
) -> None:
    """Pack a bundle into one zip that needs nothing of this repository."""
    from ..bundles import get_bundle

    found = get_bundle(bundle, trust=True)  # nothing of it runs
    from ..sharing.packing import pack as pack_bundle

    path = pack_bundle(found, output, sign)
    console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False)
