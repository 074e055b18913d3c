"""What all reports of scores share: a row a case, means, tables."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from ignite import distributed as idist
from ignite.engine import Engine, Events

from ..metrics.finite_mean import finite_mean
from ..results.tables import write_rows
from .distributed import gather
from .score_table import print_scores


class CaseReport(ABC):
    """Score every case of an evaluation; with a folder, write the scores to a CSV file, the means last, and print a table.

    Processes that share the cases get the means over all of them.

    Args:
        scores: names of the scores, in the order of the columns.
        key_metric: name among `metrics` of the score by which the best model is chosen.
        output_dir: folder of the CSV file; None writes and prints nothing.
        file_name: its name.
    """

    def __init__(self, scores: Sequence[str], key_metric: str, output_dir: str | Path | None, file_name: str) -> None:
        self.scores, self.key_metric = tuple(scores), key_metric
        self.path = None if output_dir is None else Path(output_dir) / file_name
        self.rows: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label`` on one grid."""
        engine.state.key_metric_name = self.key_metric
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
        self.rows = in_order(gather(self.rows), _count(engine))
        means = {name: finite_mean(row[name] for row in self.rows) for name in self.scores}
        engine.state.metrics |= self.metrics(means)
        if self.path is not None and self.rows and not idist.get_rank():
            self.write([*self.rows, {"case": "mean"} | means])
            print_scores({name: [row[name] for row in self.rows] for name in self.scores}, self.path)


def in_order(shares: Sequence[Sequence[dict]], count: int | None) -> list[dict]:
    """Bring the rows of processes, of which process k has cases k, k + n, ..., into the order of the cases.

    Args:
        shares: rows of every process, of equal number.
        count: number of cases; what is beyond came twice, see `ValidationLoader`. None keeps all.
    """
    return [row for rows in zip(*shares, strict=True) for row in rows][:count]


def _count(engine: Engine) -> int | None:
    dataset = getattr(engine.state.dataloader, "dataset", None)
    return None if dataset is None else len(dataset)


def write_table(path: Path, rows: Sequence[dict]) -> None:
    """Write rows as CSV, the first row's keys as columns; numbers with six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(
        path,
        list(rows[0]),
        ({name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()} for row in rows),
    )
