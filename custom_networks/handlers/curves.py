"""Write losses and scores to a CSV file, a picture and TensorBoard while training runs."""

import time
from pathlib import Path

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from monai.utils import optional_import

from ..results.tables import read_rows, write_rows
from ..results.write_result import write_result

Figure, has_matplotlib = optional_import("matplotlib.figure", name="Figure")
DRAW_SECONDS = 5.0  # least time between two pictures, which take longer than many an epoch
SummaryWriter, has_tensorboard = optional_import("torch.utils.tensorboard", name="SummaryWriter")


class TrainingCurves:
    """Keep ``curves.csv`` (one row an epoch), ``curves.png`` and TensorBoard's events up to date in a folder.

    The loss is the mean over the epoch's iterations and all processes. Columns of validation metrics are empty in epochs without
    validation. A resumed training goes on with the rows that are there.

    Without matplotlib or tensorboard, which MONAI Label does not install, there is no picture or no events.

    Args:
        output_dir: folder of the files.
        evaluator: engine whose ``state.metrics`` hold the validation scores, or None.
    """

    def __init__(self, output_dir: str | Path, evaluator: Engine | None = None) -> None:
        self.output_dir, self.evaluator = Path(output_dir), evaluator
        self.rows: list[dict] = []
        self._losses: list[torch.Tensor] = []
        self._validation: dict[str, float] = {}
        self._writer = None
        self._drawn = -DRAW_SECONDS

    def attach(self, engine: Engine) -> None:
        """Register with a trainer whose output holds ``loss``. Attach after the handler that validates."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self._losses.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._append)
        engine.add_event_handler(Events.COMPLETED, self._close)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self._add_validation)

    def _start(self, engine: Engine) -> None:
        path = self.output_dir / "curves.csv"
        if engine.state.epoch and path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                self.rows = [_numbers(row) for row in read_rows(stream)[1] if int(row["epoch"]) <= engine.state.epoch]

    def _collect(self, engine: Engine) -> None:
        output = engine.state.output
        output = output[0] if isinstance(output, list) else output
        self._losses.append(torch.as_tensor(output["loss"]).detach())  # on its device: reading it would wait for the GPU

    def _add_validation(self, engine: Engine) -> None:
        self._validation = _scalars(engine.state.metrics)

    def _append(self, engine: Engine) -> None:
        loss = idist.all_reduce(float(torch.stack(self._losses).double().mean())) / idist.get_world_size()
        self.rows.append({"epoch": engine.state.epoch, "loss": loss} | _scalars(engine.state.metrics) | self._validation)
        self._validation = {}
        if not idist.get_rank():
            self._write()

    def _write(self) -> None:
        write_result(self.output_dir / "curves.csv", lambda path: write_rows(path, _names(self.rows), self.rows))
        if time.monotonic() - self._drawn >= DRAW_SECONDS:
            self._draw()
        if has_tensorboard:
            self._writer = self._writer or SummaryWriter(str(self.output_dir))
            for name, value in self.rows[-1].items():
                self._writer.add_scalar(name, value, self.rows[-1]["epoch"])
            self._writer.flush()

    def _close(self, engine: Engine) -> None:
        if self.rows and not idist.get_rank():
            self._draw()
        if self._writer is not None:
            self._writer.close()

    def _draw(self) -> None:
        if not has_matplotlib:
            return
        figure = Figure(figsize=(7, 4), layout="constrained")
        left = figure.add_subplot()
        left.plot([row["epoch"] for row in self.rows], [row["loss"] for row in self.rows], color="tab:gray", label="training loss")
        left.set(xlabel="epoch", ylabel="loss, and scores above 1")
        lines = list(left.lines)
        right = left.twinx()
        right.set(ylabel="scores", ylim=(0, 1))
        for name in (name for name in _names(self.rows) if name not in ("epoch", "loss")):
            points = [(row["epoch"], row[name]) for row in self.rows if name in row]
            axis = right if max(value for _, value in points) <= 1 else left
            lines += axis.plot(*zip(*points, strict=True), marker=".", label=name, color=f"C{len(lines)}")
        left.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(handles=lines, loc="outside upper center", ncols=3, frameon=False)
        write_result(self.output_dir / "curves.png", lambda path: figure.savefig(path, dpi=110, bbox_inches="tight"), ".png")
        self._drawn = time.monotonic()


def _names(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _scalars(metrics: dict) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if isinstance(value, (int, float, torch.Tensor))}


def _numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: int(value) if name == "epoch" else float(value) for name, value in row.items() if value}
