"""Score lesion maps."""

import csv
import logging
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events

from ..data.cases import case_name
from ..metrics.lesions import SIZES, lesion_scores

logger = logging.getLogger("axial")
SCORES = ("dice", "true_positive_rate", "positive_predictive_value", "f1", "volume_difference")


class LesionReport:
    """Collect `lesion_scores` of every scan, print them with a table by size, write a CSV file.

    ``engine.state.metrics`` get the means of `SCORES` as ``lesion_<score>``, Dice also as ``mean_dice``.

    Args:
        path: CSV file with a row a scan and a last one of means; None writes none.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.rows: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label``, label maps ``(1, X, Y, Z)`` of one grid."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _collect(self, engine: Engine) -> None:
        for item in engine.state.output:
            meta = item["label"].meta
            voxel = abs(np.linalg.det(np.asarray(meta["original_affine"], dtype=float)[:3, :3]))
            pred, label = (np.asarray(torch.as_tensor(item[key])[0].cpu()).round() for key in ("pred", "label"))
            scores = lesion_scores(pred, label, voxel)
            row = {"case": case_name(meta["filename_or_obj"])} | {name: getattr(scores, name) for name in SCORES}
            for size, counts in scores.by_size.items():
                row |= {f"{name} {size} mm3": count for name, count in counts.items()}
            self.rows.append(row)

    def _finish(self, engine: Engine) -> None:
        means = {name: float(np.nanmean([row[name] for row in self.rows] or [np.nan])) for name in SCORES}
        engine.state.metrics |= {f"lesion_{name}": value for name, value in means.items()} | {"mean_dice": means["dice"]}
        for row in self.rows:
            logger.info("%s: %s", row["case"], ", ".join(f"{name} {row[name]:.3f}" for name in SCORES))
            for size in SIZES:
                counts = [row[f"{name} {size} mm3"] for name in ("lesions", "found", "false")]
                logger.info("  lesions of %s mm3: %d, found %d, false %d", size, *counts)
        logger.info("mean of %d scans: %s", len(self.rows), ", ".join(f"{name} {means[name]:.3f}" for name in SCORES))
        if self.path is None or not self.rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(self.rows[0]))
            writer.writeheader()
            for row in (*self.rows, {"case": "mean"} | means):
                writer.writerow({name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()})
