"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError


def _bundle_names(incomplete: str) -> list[str]:
    from ..bundles import all_bundles

    return [bundle.name for bundle in all_bundles() if bundle.name.startswith(incomplete)]


BundleName = Annotated[str, typer.Argument(help="A bundle's name or a part of it.", autocompletion=_bundle_names)]
Key = Annotated[Path | None, typer.Option("--key", metavar="PUBLIC_KEY", help="Demand that this key's owner signed the zip.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run a stranger's bundle whatever its review found: code of its own, for instance.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    for text in texts:
        if "=" not in text:
            raise UserError(f"{option} {text}: not of the form VALUE=NAME.", f"For instance {option} 1=_gm.")
    return [tuple(text.split("=", 1)) for text in texts]
