"""``axial score``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import Overwrite, refuse_beside

if TYPE_CHECKING:
    from ..bundles import Bundle
    from ..scoring.pairing import Pairs


def score(
    context: typer.Context,
    predictions: Annotated[Path, typer.Argument(help="Masks from `axial segment` or another program: a folder or a file.")],
    labels: Annotated[Path, typer.Argument(help="The truth: a data set with dataset.json, a folder of label maps, or a file.")],
    bundle: Annotated[str, typer.Option("--bundle", help="Bundle whose task it is: its name, or a part of it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for scores.csv and scores.json.")] = Path("scores"),
    section: Annotated[str | None, typer.Option(help="Section of dataset.json; test by default.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="IMAGES", help="Folder of the images; draw where each mask and its label differ most.")
    ] = None,
    overwrite: Overwrite = False,
    repeat: Annotated[
        bool, typer.Option("--repeat", help="LABELS are results of second scans: print how far apart the measures are.")
    ] = False,
) -> None:
    """Score masks against labels: each case, mean, standard deviation, 95 % interval. Exit code 1 if a case failed."""
    if repeat:
        refuse_beside(context, "--repeat", {"output", "section", "pictures", "overwrite"})
        return _repeat(predictions, labels)
    from ..bundles import get_bundle

    found = get_bundle(bundle)
    if section and labels.exists() and not (labels / "dataset.json").is_file():
        raise UserError(f"--section {section}: without effect, as {labels} has no dataset.json.", "Leave it out.")
    if pictures and not pictures.exists():
        raise UserError(f"--pictures {pictures}: no such file or folder.", "Give the images that were segmented.")
    if output.exists() and not output.is_dir():
        raise UserError(f"{output}: is not a folder.", "Give another one with -o.")
    for name in ("scores.csv", "scores.json"):
        if (output / name).exists() and not overwrite:
            raise UserError(f"{output / name}: already exists.", "Give another folder with -o, or --overwrite.")
    from rich.table import Table

    from ..scoring.pairing import find_pairs
    from ..scoring.score import score_pairs, write_scores

    suffix = "_seg.nii.gz" if found.is_segmentation else "_pred.json"
    pairs = find_pairs(predictions, labels, section or "test", suffix)
    scores = score_pairs(found, pairs)
    table = Table("structure", "metric", "n", "mean", "sd", "95 % interval")
    for row in scores.summaries:
        values = row.spread
        several = values.count > 1
        table.add_row(
            row.structure,
            f"{row.metric}, {row.unit}" if row.unit else row.metric,
            str(values.count),
            f"{values.mean:.4g}",
            f"{values.deviation:.4g}" if several else "",
            f"{values.low:.4g} to {values.high:.4g}" if several else "",
        )
    if scores.summaries:
        console.print(table)
    for line in scores.failed:
        errors.print(f"failed: {line}", style="red", highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {' and '.join(map(str, write_scores(output, found, scores)))}", highlight=False, soft_wrap=True)
    undrawn = _draw(found, pairs, pictures, output / "pictures") if pictures else 0
    raise typer.Exit(1 if scores.failed or undrawn else 0)


def _draw(bundle: "Bundle", pairs: "Pairs", images: Path, folder: Path) -> int:
    """Draw the pairs, say where, and return how many could not be drawn."""
    from ..scoring.disagreement import draw_pairs

    drawn = list(draw_pairs(bundle, pairs, images, folder))
    lines = [line for line in drawn if isinstance(line, str)]
    for line in lines:
        errors.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    console.print(f"drew {len(drawn) - len(lines)} of {len(drawn)} cases: {folder}", highlight=False, soft_wrap=True)
    return len(lines)


def _repeat(first: Path, second: Path) -> None:
    from rich.table import Table

    from ..scoring.repeatability import read_measures, repeatability

    table = Table("structure", "measure", "pairs", "coefficient of variation", "worst pair")
    for found in repeatability(read_measures(first), read_measures(second)):
        table.add_row(found.structure, found.measure, str(found.pairs), f"{found.variation:.1%}", f"{found.worst:.1%}")
    console.print(table)
