"""``axial list``."""

import json
from typing import Annotated

import typer
from rich.table import Column, Table

from .console import console


def list_bundles(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the bundles: task, classes, scores, licence of the weights."""
    from ..bundles import all_bundles

    bundles = all_bundles()
    if as_json:
        keys = ("version", "task", "eval_metrics", "data_source", "intended_use")
        rows = [{"name": b.name, "classes": b.classes} | {key: b.metadata[key] for key in keys} for b in bundles]
        print(json.dumps(rows, indent=2))
        return
    table = Table(Column("bundle", no_wrap=True), "version", "task", "classes", "scores", "data licence")
    for bundle in bundles:
        scores = "\n".join(f"{name} {value:g}" for name, value in bundle.metadata["eval_metrics"].items())
        names = [name for name in bundle.classes.values() if name != "background"]
        licence = (bundle.folder / "docs" / "data_license.txt").read_text().splitlines()[0]
        table.add_row(bundle.name, bundle.version, bundle.metadata["task"], ", ".join(names), scores, licence)
    console.print(table)
