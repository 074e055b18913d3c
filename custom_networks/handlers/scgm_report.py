"""Score gray-matter masks by the ten SCGM measures and their areas."""

from pathlib import Path

import numpy as np

from ..cases.cases import case_name
from ..geometry.axial import slices_last, spacing_slices_last
from ..metrics.scgm import SCGM_METRICS, scgm_metrics
from .case_report import CaseReport

AREAS = ("mean_area_mm2", "true_mean_area_mm2")
ERROR = "absolute_volume_error"  # relative to the label's volume


class ScgmReport(CaseReport):
    """Report `scgm_metrics`, mean gray-matter areas and the volume's relative error of every case.

    Areas are those of slices with gray matter, in mm2 in the plane of the slice. ``engine.state.metrics`` get the mean Dice as
    ``mean_dice``.

    Args:
        output_dir: folder of ``scgm_metrics.csv``, a row a case and a last one of means; None writes none.
    """

    def __init__(self, output_dir: str | Path | None = None) -> None:
        super().__init__((*SCGM_METRICS, *AREAS, ERROR), "mean_dice", output_dir, "scgm_metrics.csv")

    def score(self, item: dict) -> dict:
        meta = item["label"].meta
        affine = np.asarray(meta["original_affine"], dtype=float)
        masks = [slices_last(item[key].cpu().numpy()[0], affine) for key in ("pred", "label")]
        spacing = spacing_slices_last(affine)
        pixel = spacing[0] * spacing[1]
        row = {"case": case_name(meta["filename_or_obj"])} | scgm_metrics(*masks, spacing)
        areas = {name: mean_area(mask, pixel) for name, mask in zip(AREAS, masks, strict=True)}
        found, true = map(np.count_nonzero, masks)
        return row | areas | {ERROR: abs(found - true) / true if true else float("nan")}

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {"mean_dice": means["dice"]}


def mean_area(mask: np.ndarray, pixel: float) -> float:
    """Return the mean area in mm2 of the slices (last axis) that are not empty; 0 where all are."""
    counts = np.count_nonzero(mask, axis=(0, 1))
    return float(counts[counts > 0].mean() * pixel) if counts.any() else 0.0
