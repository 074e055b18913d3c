"""``python -m tools sync``."""

from typing import Annotated

import typer

from .console import console


def sync(check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 if a file differs.")] = False) -> None:
    """Write the files that all bundles share into each of them, and the overlays that infer as a recipe trains."""
    from ..bundles import all_bundles
    from ..sharing.syncing import sync as sync_bundles

    changed = sync_bundles(all_bundles(), check)
    for path in changed:
        console.print(f"{'differs' if check else 'wrote'}: {path}", highlight=False)
    if not changed:
        console.print("all bundles share their common files")
    if check and changed:
        raise typer.Exit(1)
