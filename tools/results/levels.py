"""Names of levels, such as L4 or C5, for slices of a scan."""

from collections.abc import Iterable
from dataclasses import dataclass

from custom_networks.cases.names import case_name, split_series
from custom_networks.errors import UserError

from ..layout.tables import read_table

SUFFIX = "_levels.csv"  # after the scan's name, beside it
EXAMPLE = "A line level,first,last, then for instance L4,10,14: slices as measures.csv counts them."


@dataclass(frozen=True)
class Level:
    """Slices from ``first`` to ``last``, both of them included, as ``measures.csv`` counts them."""

    name: str
    first: int
    last: int

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last


def read_levels(source: str) -> list[Level]:
    """Read ``CASE_levels.csv`` beside a scan; an empty list where there is none.

    Raises:
        UserError: when the file is not of the form of `EXAMPLE`.
    """
    scan = split_series(source)[0]
    path = scan.parent / f"{case_name(scan)}{SUFFIX}"
    if not path.is_file():
        return []
    rows = read_table(path, ("level", "first", "last"), EXAMPLE)
    try:
        levels = [Level(row["level"].strip(), int(row["first"]), int(row["last"])) for row in rows]
    except ValueError as error:
        raise UserError(f"{path}: not a list of levels ({error}).", EXAMPLE) from error
    for level in levels:
        if not level.name or not 0 <= level.first <= level.last:
            raise UserError(f"{path}: level {level.name!r} from slice {level.first} to {level.last}.", EXAMPLE)
    return levels


def area_rows(rows: Iterable[dict], levels: Iterable[Level]) -> list[dict]:
    """Return the mean area at every level over the slices that show a structure, from `measures.measure_label_map`'s rows."""
    areas: dict[tuple[str, str], list[float]] = {}
    case = ""
    for level in levels:
        for row in rows:
            if row["measure"] == "area" and row["slice"] != "" and row["slice"] in level:
                case = row["case"]
                areas.setdefault((row["structure"], level.name), []).append(float(row["value"]))
    return [
        {
            "case": case,
            "structure": structure,
            "measure": f"mean area at {name}",
            "slice": "",
            "value": f"{sum(found) / len(found):.3f}",
            "unit": "mm2",
        }
        for (structure, name), found in areas.items()
    ]
