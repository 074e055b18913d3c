"""Mean, spread and interval of scores."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

from custom_networks.results.tables import is_number, read_rows

RESAMPLES = 5000
LEVEL = 0.95
LOWER_IS_BETTER = re.compile(r"distance|difference|error|false|hd95|missed|invented", re.IGNORECASE)
NO_SCORES = ("fold", "subject", "case", "label", "predicted")  # columns of a cross-validation's table that are none


@dataclass(frozen=True)
class Spread:
    """A score over subjects.

    Attributes:
        count: subjects.
        mean: over subjects.
        deviation: standard deviation over subjects, nan for one.
        low: lower end of the bootstrap interval of the mean, nan for one.
        high: its upper end.
        worst: score of the worst case: the lowest, of distances, differences, errors and false findings the highest.
    """

    count: int
    mean: float
    deviation: float
    low: float
    high: float
    worst: float

    def __str__(self) -> str:
        interval = f", {LEVEL:.0%} interval {self.low:.3f} to {self.high:.3f}" if self.count > 1 else ""
        deviation = f" (sd {self.deviation:.3f}{interval})" if self.count > 1 else ""
        return f"{self.mean:.3f}{deviation}, worst {self.worst:.3f}, n = {self.count}"


def spread(scores: Sequence[float], subjects: Sequence[str], name: str = "") -> Spread:
    """Describe scores of cases; those of one subject count as their mean, as they are no independent evidence.

    Args:
        scores: of the cases; nan has no say.
        subjects: whom each is of.
        name: of the score, which says whether low or high is bad.

    Returns:
        the spread; its interval is the percentile bootstrap of the mean over subjects (5000 resamples, fixed seed).
    """
    groups: dict[str, list[float]] = {}
    for score, subject in zip(scores, subjects, strict=True):
        if np.isfinite(score):
            groups.setdefault(subject, []).append(score)
    means = np.array([np.mean(group) for group in groups.values()])
    nan = float("nan")
    if not len(means):
        return Spread(0, nan, nan, nan, nan, nan)
    bad = max if LOWER_IS_BETTER.search(name) else min
    worst = bad(bad(group) for group in groups.values())
    if len(means) == 1:
        return Spread(1, float(means[0]), nan, nan, nan, worst)
    if np.ptp(means) == 0:
        return Spread(len(means), float(means[0]), 0.0, float(means[0]), float(means[0]), worst)
    interval = bootstrap(
        (means,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="percentile", rng=0
    ).confidence_interval
    return Spread(len(means), float(means.mean()), float(means.std(ddof=1)), float(interval.low), float(interval.high), worst)


def read_scores(path: Path) -> list[dict[str, str]]:
    """Read a table of cases, of a report without its last row, the means; a case may be called mean, too."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in read_rows(stream)[1] if row.get("case") is not None]
    has_means = bool(rows) and rows[-1]["case"] == "mean" and "subject" not in rows[-1]  # tables of subjects have no means
    return rows[:-1] if has_means else rows


def score_names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the columns of a table whose fields are all numbers, or empty, in its order."""
    return [name for name in rows[0] if name not in NO_SCORES and all(is_number(row[name] or "nan") for row in rows)]


def main_score(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the column that chooses among settings and weights: the mean of all classes where there is one, else the first."""
    names = score_names(rows)
    return "mean" if "mean" in names else names[0]


def score_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table of Markdown of the spread over subjects of every score of rows with ``subject``."""
    lines = [
        "| score | n | mean | standard deviation | 95 % interval (bootstrap) | worst case |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in score_names(rows):
        found = spread([float(row[name] or "nan") for row in rows], [row["subject"] for row in rows], name)
        several = [f"{found.deviation:.3f}", f"{found.low:.3f} to {found.high:.3f}"] if found.count > 1 else ["", ""]
        lines.append(f"| {name} | {found.count} | {shown(found.mean)} | {' | '.join(several)} | {shown(found.worst)} |")
    return "\n".join(lines)


def shown(value: float | str) -> str:
    """Return a score with three digits; nothing of one that is not there."""
    number = float("nan" if value == "" else value)
    return f"{number:.3f}" if np.isfinite(number) else ""
