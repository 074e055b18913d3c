"""``axial pack``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console
from .options import BundleName, Trust


def pack(
    bundle: BundleName,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the zip.")],
    sign: Annotated[Path | None, typer.Option("--sign", metavar="PRIVATE_KEY", help="Sign it with this key.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Your own weights, such as runs/model.pt of a training.")] = None,
    name: Annotated[str | None, typer.Option(help="Name for a bundle with your own weights.")] = None,
    version: Annotated[str | None, typer.Option(help="Its version, such as 1.0.0.")] = None,
    scores: Annotated[Path | None, typer.Option(help="Its scores: the scores.json that `axial score` wrote.")] = None,
    trust: Trust = False,
) -> None:
    """Pack a bundle into one zip that needs nothing from this repository."""
    from ..bundles import get_bundle

    found = get_bundle(bundle, trust or weights is None)  # nothing of it runs, but for the network that takes new weights
    import tempfile

    from ..sharing.packing import pack as pack_bundle

    with tempfile.TemporaryDirectory() as scratch:
        if (weights, name, version, scores) != (None, None, None, None):
            from ..sharing.own import make_own

            found = make_own(found, Path(scratch), name, version, weights, scores)
        path = pack_bundle(found, output, sign)
    console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
