"""Score lesion maps."""

from pathlib import Path

import numpy as np
import torch

from ..cases.cases import case_name
from ..geometry.voxels import voxel_volume
from ..metrics.lesions import SIZES, lesion_scores
from .case_report import CaseReport

SCORES = ("dice", "true_positive_rate", "positive_predictive_value", "f1", "volume_difference")


class LesionReport(CaseReport):
    """Report `lesion_scores` of every scan, with a table by size of lesion.

    ``engine.state.metrics`` get the means of `SCORES` as ``lesion_<score>``, Dice also as ``mean_dice``.

    Args:
        output_dir: folder of ``lesion_scores.csv``, a row a scan and a last one of means; None writes none.
    """

    def __init__(self, output_dir: str | Path | None = None) -> None:
        super().__init__(SCORES, "mean_dice", output_dir, "lesion_scores.csv")

    def score(self, item: dict) -> dict:
        meta = item["label"].meta
        voxel = voxel_volume(meta["original_affine"])
        pred, label = (np.asarray(torch.as_tensor(item[key])[0].cpu()).round() for key in ("pred", "label"))
        scores = lesion_scores(pred, label, voxel)
        row = {"case": case_name(meta["filename_or_obj"])} | {name: getattr(scores, name) for name in SCORES}
        for size, counts in scores.by_size.items():
            row |= {f"{name} {size} mm3": count for name, count in counts.items()}
        return row

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {f"lesion_{name}": value for name, value in means.items()} | {"mean_dice": means["dice"]}

    def write(self, rows: list[dict]) -> None:
        counts = [name for name in rows[0] if any(size in name for size in SIZES)]
        super().write([*rows[:-1], rows[-1] | {name: sum(row[name] for row in rows[:-1]) for name in counts}])
