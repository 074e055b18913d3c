"""``axial keys``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import console


def keys(private: Annotated[Path, typer.Argument(help="File for the private key; the public key gets the suffix .pub.")]) -> None:
    """Make a key pair to sign bundles with."""
    from ..sharing.signing import make_keys

    public = make_keys(private)
    console.print(f"wrote {private} (keep it to yourself) and {public} (give it away)", highlight=False, soft_wrap=True)
