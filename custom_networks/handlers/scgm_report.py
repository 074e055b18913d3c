"""Write the ten SCGM measures and the areas of every evaluated case to a CSV file."""

import csv
import logging
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from ..data.axial import slice_axis, slices_last
from ..data.cases import case_name
from ..metrics.scgm import SCGM_METRICS, scgm_metrics

logger = logging.getLogger("axial")
AREAS = ("mean_area_mm2", "true_mean_area_mm2")


class ScgmReport:
    """Collect `scgm_metrics` and mean gray-matter areas per case, print their means, write them to a CSV file.

    Areas are those of slices with gray matter, in mm2 in the plane of the slice. The last row holds the means.

    Args:
        path: the CSV file.
        key: name under which the engine's ``state.metrics`` get the mean Dice.
    """

    def __init__(self, path: str | Path, key: str = "scgm_dice") -> None:
        self.path, self.key = Path(path), key
        self.rows: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label`` on the image's grid."""
        engine.add_event_handler(Events.EPOCH_STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _collect(self, engine: Engine) -> None:
        for item in engine.state.output:
            meta = item["label"].meta
            affine = np.asarray(meta["original_affine"], dtype=float)
            masks = [slices_last(item[key].cpu().numpy()[0], affine) for key in ("pred", "label")]
            spacing = _spacing_slices_last(affine)
            row = {"case": case_name(meta["filename_or_obj"])} | scgm_metrics(*masks, spacing)
            pixel = spacing[0] * spacing[1]
            row |= {name: mean_area(mask, pixel) for name, mask in zip(AREAS, masks, strict=True)}
            self.rows.append(row)

    def _write(self, engine: Engine) -> None:
        names = (*SCGM_METRICS, *AREAS)
        mean = {"case": "mean"} | {name: float(np.nanmean([row[name] for row in self.rows])) for name in names}
        engine.state.metrics[self.key] = mean["dice"]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ("case", *names))
            writer.writeheader()
            for row in (*self.rows, mean):
                writer.writerow({name: value if name == "case" else f"{value:.6g}" for name, value in row.items()})
        for row in (*self.rows, mean):
            logger.info("%s: %s", row["case"], ", ".join(f"{name} {row[name]:.3f}" for name in names))


def mean_area(mask: np.ndarray, pixel: float) -> float:
    """Return the mean area in mm2 of the slices (last axis) that are not empty; 0 where all are."""
    counts = np.count_nonzero(mask, axis=(0, 1))
    return float(counts[counts > 0].mean() * pixel) if counts.any() else 0.0


def _spacing_slices_last(affine: np.ndarray) -> tuple[float, float, float]:
    spacing = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    spacing.append(spacing.pop(slice_axis(affine)))
    return tuple(spacing)
