"""How far measures of two scans of one person, in one session, lie apart."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from custom_networks.errors import UserError

from ..layout.tables import read_table
from .pairing import match_names

MEASURES = "measures.csv"
COLUMNS = ("case", "structure", "measure", "slice", "value")  # of it, that are needed
FOLDERS = "Give folders that `axial segment` wrote."
AGAIN = re.compile(r"_(rescan|repeat|retest)$")  # ends the name of a second scan
REMEDY = "Call them alike but for _rescan, such as p1_image and p1_rescan."
NOT_REPEATED = re.compile(
    r"centroid|(mean )?probability|completeness|standard deviation|quality"
)  # no ratio scale, or no measure of the body
SINGLE = re.compile(r"lesion \d+")  # numbered in each scan anew, so those of two scans are not one


@dataclass(frozen=True)
class Repeatability:
    """Coefficient of variation of one measure within pairs of scans.

    Attributes:
        structure: what was measured.
        measure: which measure of it.
        pairs: number of pairs.
        variation: root mean square over pairs of standard deviation / mean, where the standard deviation of a and b is
            ``|a - b| / sqrt(2)``.
        worst: that of the worst pair.
    """

    structure: str
    measure: str
    pairs: int
    variation: float
    worst: float


def repeatability(first: Iterable[Mapping[str, str]], second: Iterable[Mapping[str, str]]) -> list[Repeatability]:
    """Compare measures of whole structures (rows of ``measures.csv`` without a slice) of scans and of their repetitions.

    Cases are paired by their names without ``_rescan``, ``_repeat`` or ``_retest`` and endings such as ``_image``.

    Raises:
        UserError: when no case has a partner, or one of several.

    Reference:
        Hyslop, White: Estimating precision using duplicate measurements. J Air Waste Manag Assoc 59:1032-1039, 2009.
    """
    one, two = _values(first), _values(second)
    groups: dict[tuple[str, str], list[float]] = {}
    for case, partner in _partners(*([key[0] for key in values] for values in (one, two))).items():
        for (name, *what), a in one.items():
            b = two.get((partner, *what))
            if name == case and b is not None and a + b:
                groups.setdefault(tuple(what), []).append(abs(a - b) / math.sqrt(2) / abs((a + b) / 2))
    return [Repeatability(*key, len(found), float(np.sqrt(np.mean(np.square(found)))), max(found)) for key, found in groups.items()]


def read_measures(folder: Path) -> list[dict[str, str]]:
    """Read ``measures.csv`` of a folder of results, or that file.

    Raises:
        UserError: when there is none, or it is another table.
    """
    path = folder / MEASURES if folder.is_dir() else folder
    if not path.is_file():
        raise UserError(f"{path}: no such file.", FOLDERS)
    rows = read_table(path, COLUMNS, FOLDERS)
    for row in rows:
        try:
            float(row["value"])
        except ValueError as error:
            raise UserError(f"{path}: {row['value']!r} is no value of {row['measure']}.", FOLDERS) from error
    return rows


def _values(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str, str], float]:
    return {
        (row["case"], row["structure"], row["measure"]): float(row["value"])
        for row in rows
        if not (str(row["slice"]) or NOT_REPEATED.match(row["measure"]) or SINGLE.fullmatch(row["structure"]))
    }


def _partners(first: Iterable[str], second: Iterable[str]) -> dict[str, str]:
    """Return cases to their repetitions."""
    partners = {}
    for key, (mine, theirs) in match_names(dict.fromkeys(first), dict.fromkeys(second), AGAIN).items():
        if len(mine) > 1 or len(theirs) > 1:
            raise UserError(f"{key}: which scan was repeated as which? There are {', '.join([*mine, *theirs])}.", REMEDY)
        partners[mine[0]] = theirs[0]
    if not partners:
        raise UserError("No scan has a repetition of its name.", REMEDY)
    return partners
