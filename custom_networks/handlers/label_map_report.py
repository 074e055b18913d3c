"""Score label maps class by class."""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from ..data.cases import case_name
from ..metrics.dice import dice_coefficients

logger = logging.getLogger("axial")


class LabelMapReport:
    """Collect the Dice of every class and case, print the means, write a CSV file.

    ``engine.state.metrics`` get the mean over classes and cases as ``mean_dice`` and each class's as ``dice_<class>``.

    Args:
        names: of the classes 1, 2, ...
        path: CSV file with a row a case and a last one of means; None writes none.
    """

    def __init__(self, names: Sequence[str], path: str | Path | None = None) -> None:
        self.names, self.path = tuple(names), None if path is None else Path(path)
        self.rows: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label``, label maps of one grid."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _collect(self, engine: Engine) -> None:
        for item in engine.state.output:
            pred, label = (torch.as_tensor(item[key]).round().long().cpu() for key in ("pred", "label"))
            scores = dice_coefficients(pred, label, len(self.names) + 1).tolist()
            name = case_name(item["label"].meta["filename_or_obj"])
            row = dict(zip(self.names, scores, strict=True))
            self.rows.append({"case": name} | row | {"mean": sum(scores) / len(scores)})

    def _finish(self, engine: Engine) -> None:
        columns = (*self.names, "mean")
        mean = {name: sum(row[name] for row in self.rows) / len(self.rows) for name in columns}
        engine.state.metrics |= {f"dice_{name.replace(' ', '_')}": mean[name] for name in self.names}
        engine.state.metrics["mean_dice"] = mean["mean"]
        logger.info("mean of %d cases: %s", len(self.rows), ", ".join(f"{name} {mean[name]:.3f}" for name in columns))
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ("case", *columns))
            writer.writeheader()
            for row in (*self.rows, {"case": "mean"} | mean):
                writer.writerow(row | {name: f"{row[name]:.4f}" for name in columns})
