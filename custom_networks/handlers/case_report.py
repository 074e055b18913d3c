"""What all reports of scores share: a row a case, means, a log, a table."""

import csv
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

logger = logging.getLogger("axial")


class CaseReport(ABC):
    """Score every case of an evaluation, print the scores and their means, write them to a CSV file with the means last.

    Args:
        scores: names of the scores, in the order of the columns.
        path: the CSV file; None writes none.
        log_cases: whether every case is printed, or the means alone.
    """

    def __init__(self, scores: Sequence[str], path: str | Path | None, log_cases: bool = True) -> None:
        self.scores, self.path, self.log_cases = tuple(scores), None if path is None else Path(path), log_cases
        self.rows: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label`` on one grid."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self.start())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def start(self) -> None:
        """Forget the cases of an earlier evaluation."""
        self.rows.clear()

    @abstractmethod
    def score(self, item: dict) -> dict:
        """Return the row of a case: ``case``, all scores, and whatever else the table shall hold."""

    @abstractmethod
    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Return what the engine's ``state.metrics`` get of the means."""

    def write(self, rows: Sequence[dict]) -> None:
        """Write rows and, last, the means."""
        write_table(self.path, rows)

    def _collect(self, engine: Engine) -> None:
        self.rows += [self.score(item) for item in engine.state.output]

    def _finish(self, engine: Engine) -> None:
        means = {name: finite_mean(row[name] for row in self.rows) for name in self.scores}
        engine.state.metrics |= self.metrics(means)
        mean = {"case": f"mean of {len(self.rows)}"} | means
        for row in (*(self.rows if self.log_cases else ()), mean):
            logger.info("%s: %s", row["case"], ", ".join(f"{name} {row[name]:.3f}" for name in self.scores))
        if self.path is not None and self.rows:
            self.write([*self.rows, mean | {"case": "mean"}])


def write_table(path: Path, rows: Sequence[dict]) -> None:
    """Write rows as CSV, the first row's keys as columns; numbers with six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()})


def finite_mean(values: Iterable[float]) -> float:
    """Return the mean of the finite values; nan where there is none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
