"""Write losses and validation scores to a CSV file and a picture while training runs."""

import csv
from pathlib import Path

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from monai.utils import optional_import

Figure, has_matplotlib = optional_import("matplotlib.figure", name="Figure")


class TrainingCurves:
    """Keep ``curves.csv`` (one row an epoch) and ``curves.png`` up to date in a folder.

    The loss is the mean over the epoch's iterations. Columns of validation metrics are empty in epochs without
    validation. A resumed training goes on with the rows that are there.

    Without matplotlib, which MONAI Label does not install, there is no picture.

    Args:
        output_dir: folder of the two files.
        evaluator: engine whose ``state.metrics`` hold the validation scores, or None.
    """

    def __init__(self, output_dir: str | Path, evaluator: Engine | None = None) -> None:
        self.output_dir, self.evaluator = Path(output_dir), evaluator
        self.rows: list[dict] = []
        self._losses: list[float] = []
        self._validated = False

    def attach(self, engine: Engine) -> None:
        """Register with a trainer whose output holds ``loss``. Attach before the handler that validates."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_STARTED, self._write)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._append)
        engine.add_event_handler(Events.COMPLETED, self._write)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self._add_validation)

    def _start(self, engine: Engine) -> None:
        path = self.output_dir / "curves.csv"
        if engine.state.epoch and path.exists():
            with path.open(newline="") as stream:
                rows = csv.DictReader(stream)
                self.rows = [_numbers(row) for row in rows if int(row["epoch"]) <= engine.state.epoch]

    def _collect(self, engine: Engine) -> None:
        output = engine.state.output
        output = output[0] if isinstance(output, list) else output
        self._losses.append(float(output["loss"]))

    def _append(self, engine: Engine) -> None:
        loss = sum(self._losses) / max(1, len(self._losses))
        self.rows.append({"epoch": engine.state.epoch, "loss": loss} | _scalars(engine.state.metrics))
        self._losses.clear()

    def _add_validation(self, engine: Engine) -> None:
        if self.rows:
            self.rows[-1] |= _scalars(engine.state.metrics)

    def _write(self, engine: Engine) -> None:
        if not self.rows or idist.get_rank():
            return
        self.output_dir.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with (self.output_dir / "curves.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, names, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        if has_matplotlib:
            self._draw(names)

    def _draw(self, names: list[str]) -> None:
        figure = Figure(figsize=(7, 4), layout="constrained")
        left = figure.add_subplot()
        left.plot([row["epoch"] for row in self.rows], [row["loss"] for row in self.rows], color="tab:gray", label="training loss")
        left.set(xlabel="epoch", ylabel="loss, and scores above 1")
        lines = list(left.lines)
        right = left.twinx()
        right.set(ylabel="scores", ylim=(0, 1))
        for name in (name for name in names if name not in ("epoch", "loss")):
            points = [(row["epoch"], row[name]) for row in self.rows if name in row]
            axis = right if max(value for _, value in points) <= 1 else left
            lines += axis.plot(*zip(*points, strict=True), marker=".", label=name, color=f"C{len(lines)}")
        left.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(handles=lines, loc="outside upper center", ncols=3, frameon=False)
        figure.savefig(self.output_dir / "curves.png", dpi=110)


def _scalars(metrics: dict) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if isinstance(value, (int, float, torch.Tensor))}


def _numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: int(value) if name == "epoch" else float(value) for name, value in row.items() if value}
