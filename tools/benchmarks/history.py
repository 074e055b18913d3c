"""Keep the ratios of every release, and draw them."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from monai.utils import optional_import

from custom_networks.errors import UserError
from custom_networks.results.tables import read_rows, write_rows
from custom_networks.results.write_result import write_result

from .stages import Result

Figure, has_matplotlib = optional_import("matplotlib.figure", name="Figure")
COLUMNS = ("release", "date", "bundle", "case", "of peak", "outside the network", "case over network at peak", "peak memory in MiB")
DRAWN = COLUMNS[4:7]


def keep(path: Path, release: str, results: Sequence[Result]) -> list[dict[str, str]]:
    """Put the results of a release into a CSV file, in place of those it has of the same release and case; return all rows."""
    today = datetime.date.today().isoformat()
    new = [
        dict(zip(COLUMNS, (
            release, today, result.bundle, result.case, f"{result.of_peak:.2f}", f"{result.outside:.2f}",
            f"{result.steady.total / result.needed:.2f}", f"{result.memory:.0f}",
        ), strict=True))
        for result in results if result.operations
    ]  # fmt: skip
    measured = {_key(row) for row in new}
    rows = [row for row in read(path) if _key(row) not in measured] + new
    write_result(path, lambda file: write_rows(file, COLUMNS, rows, "\n"), path.suffix)
    return rows


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of the file, none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return read_rows(stream)[1]


def draw_history(path: Path | None, picture: Path) -> None:
    """Draw the ratios that a CSV file holds.

    Raises:
        UserError: when there is none, or no matplotlib.
    """
    rows = read(path) if path is not None and path.is_file() else []
    if not rows or not {"release", "bundle", *DRAWN} <= rows[0].keys():
        raise UserError(f"{path or '--draw'}: no ratios to draw.", "Name their file by --history, such as bench/history.csv.")
    if picture.suffix.lower() != ".png":
        raise UserError(f"{picture}: not the name of a PNG.", "Give --draw a name that ends with .png.")
    if not has_matplotlib:
        raise UserError(f"{picture}: pictures need matplotlib.", "pip install matplotlib")
    draw(rows, picture)


def draw(rows: Sequence[dict[str, str]], path: Path) -> None:
    """Draw every ratio over the releases, a line a bundle; without matplotlib there is no picture."""
    if not has_matplotlib or not rows:
        return
    releases = list(dict.fromkeys(row["release"] for row in rows))
    figure = Figure(figsize=(12, 4), layout="constrained")
    for place, name in zip(figure.subplots(1, len(DRAWN)), DRAWN, strict=True):
        for bundle in dict.fromkeys(row["bundle"] for row in rows):
            mine = [row for row in rows if row["bundle"] == bundle]
            place.plot([releases.index(row["release"]) for row in mine], [float(row[name]) for row in mine], "o-", label=bundle)
        place.set_title(name)
        place.set_xticks(range(len(releases)), releases)
        if name == DRAWN[-1]:
            place.set_yscale("log")  # of digits it is hundreds
        else:
            place.set_ylim(bottom=0)
    place.legend(fontsize=6)
    write_result(path, lambda file: figure.savefig(file), ".png")


def _key(row: dict[str, str]) -> tuple[str, str, str]:
    return row["release"], row["bundle"], row["case"]
