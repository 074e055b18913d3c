"""Compare predictions with labels, case by case, and sum up."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from custom_networks.errors import UserError, explain
from custom_networks.results.tables import write_rows
from custom_networks.results.write_result import write_json, write_result

from ..bundles import Bundle
from ..results.kinds import kind_of
from .pairing import Pairs
from .spread import LEVEL, Spread, spread

COLUMNS = ("case", "structure", "metric", "value", "unit")


@dataclass(frozen=True)
class Summary:
    """Spread of one metric of one structure over the cases."""

    structure: str
    metric: str
    unit: str
    spread: Spread


@dataclass(frozen=True)
class Scores:
    """Rows of `COLUMNS` for every case, their summaries, and a line for every case that could not be scored."""

    rows: list[dict]
    summaries: list[Summary]
    failed: list[str]


def score_pairs(bundle: Bundle, pairs: Pairs, on_case: Callable[[], None] = lambda: None) -> Scores:
    """Score every pair by the metrics of the bundle's kind of result; a case that fails leaves the others.

    Raises:
        UserError: when the kind has no metrics.
    """
    kind = kind_of(bundle)
    rows, failed = [], list(pairs.unpaired)
    for case, (prediction, label) in pairs.found.items():
        try:
            if isinstance(label, Path) and label.exists() and prediction.samefile(label):
                raise UserError(f"{prediction}: prediction and label are one file.", "Give the truth as second folder.")
            found = list(kind.score(prediction, label, bundle.classes))
        except Exception as error:  # each case on its own
            failed.append(f"{case}: {explain(error)}")
        else:
            rows += [{"case": case} | row for row in found]
        on_case()
    if not rows and not failed:
        raise UserError(f"{bundle.name}: results of this kind have no metrics.", "Give its kind a method `score`.")
    return Scores(rows, summarise(rows), failed)


def summarise(rows: Iterable[dict]) -> list[Summary]:
    """Return the spread of every metric over the cases."""
    groups: dict[tuple[str, str, str], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["structure"], row["metric"], row["unit"]), []).append(row)
    return [
        Summary(*key, spread([row["value"] for row in found], [row["case"] for row in found], key[1]))
        for key, found in groups.items()
    ]


def write_scores(folder: Path, bundle: Bundle, scores: Scores) -> list[Path]:
    """Write ``scores.csv``, a row a case, structure and metric, and ``scores.json`` with the summaries; return both."""
    table, summary = folder / "scores.csv", folder / "scores.json"
    write_result(table, lambda target: write_rows(target, COLUMNS, scores.rows))
    content = {
        "bundle": bundle.name,
        "version": bundle.version,
        "interval": f"percentile bootstrap of the mean, {LEVEL:.0%}",
        "summary": [_finite(asdict(found) | asdict(found.spread)) for found in scores.summaries],
        "cases": [_finite(row) for row in scores.rows],
        "failed": scores.failed,
    }
    write_json(summary, content)
    return [table, summary]


def _finite(values: dict) -> dict:
    """Return values for JSON, which has no NaN; without the nested spread."""
    kept = {name: value for name, value in values.items() if name != "spread"}
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in kept.items()}
