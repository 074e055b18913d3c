"""``axial new``."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from custom_networks.errors import UserError

from .console import console, errors
from .options import pairs
from .prepare import Label, LabelSuffix, Test, Validation

COLOUR = re.compile("#?[0-9a-fA-F]{6}")


def new(
    name: Annotated[str, typer.Argument(help="Name for the bundle, such as kidney_ct_segmentation.")],
    data: Annotated[
        Path, typer.Option("--data", help="Images and labels: dataset.json, imagesTr and labelsTr, images and labels, or pairs.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to put the bundle in.")] = Path(),
    label: Label = [],
    image_suffix: Annotated[list[str], typer.Option(help="End of an image's name; one per channel.")] = ["_image"],
    label_suffix: LabelSuffix = "_label",
    test: Test = [],
    validation: Validation = [],
    modality: Annotated[str | None, typer.Option(help="CT, MR, ...; by default CT is recognised by its intensities.")] = None,
    dimensions: Annotated[
        int | None, typer.Option(min=2, max=3, help="Dimensions of the network; by default the images decide.")
    ] = None,
    memory: Annotated[
        float,
        typer.Option(min=0.05, metavar="GIB", help="Memory for a training step; more allows larger patches and batches."),
    ] = 2.0,
    low_resolution: Annotated[
        bool, typer.Option("--low-resolution", help="Coarser images, so that a patch covers a quarter of one.")
    ] = False,
    licence: Annotated[str | None, typer.Option(metavar="TEXT", help="What the weights may be used for.")] = None,
    author: Annotated[str, typer.Option(help="Author of the bundle.")] = "whoever made this bundle",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Do not print the plan.")] = False,
) -> None:
    """Plan your own bundle from images and labels, as nnU-Net does, and write it; it trains and segments like the others."""
    from rich.progress import Progress

    values = {_value(number): text for number, text in pairs(label, "--label")}
    if not data.is_dir():
        raise UserError(f"{data}: no such folder.", "Give the folder of images and labels.")
    from ..planning.making import make_bundle

    with Progress(console=errors, disable=quiet) as progress:
        task = progress.add_task("cases", total=None)
        made = make_bundle(
            name, data, output, labels=values, image_suffixes=image_suffix, label_suffix=label_suffix, test=test,
            validation=validation, modality=modality, dimensions=dimensions, memory=memory, low_resolution=low_resolution,
            terms=licence, author=author, on_case=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    for line in made.left_out:
        errors.print(Text(f"left out: {line}", style="yellow"), soft_wrap=True)
    if not quiet:
        from rich.table import Table

        table = Table("", "decided", "why")
        for reason in made.plan.reasons:
            table.add_row(*map(Text, (reason.topic, reason.decision, reason.why)))
        console.print(table)
    from ..layout.split import describe_split

    split = describe_split(made.data / "dataset.json")
    console.print(Text(f"wrote {made.folder}; its data: {made.data}, {split}"), soft_wrap=True)
    console.print(Text(f"{made.folder / 'docs' / 'README.md'} says how to train it, docs/plan.md why it is so."), soft_wrap=True)


def _value(text: str) -> int | str:
    if COLOUR.fullmatch(text):
        return text.removeprefix("#").lower()
    if not text.isdigit() or not 0 < int(text) < 256:
        problem = f"--label {text}=...: neither a label from 1 to 255 nor a colour."
        raise UserError(problem, "For instance --label 1=kidney, or --label ff0000=kidney where labels are red.")
    return int(text)
