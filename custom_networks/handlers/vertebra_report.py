"""Score whole scans: every vertebra found, its mask, its number, its completeness."""

import json
from pathlib import Path

import numpy as np

from ..cases.cases import case_name
from ..metrics.finite_mean import finite_mean
from ..metrics.vertebra_scores import match_vertebrae
from .case_report import CaseReport, write_table

SCORES = ("dice", "dice_whole", "assd_mm", "found", "identification_rate", "completeness_accuracy", "false_positives")
VERTEBRA_COLUMNS = ("case", "truth", "predicted", "dice", "iou", "assd_mm", "cut", "identified")


class VertebraReport(CaseReport):
    """Report scores of every scan and vertebra.

    Per scan: mean Dice over the vertebrae of the truth of at least 1000 mm3, missed ones counting 0; the same over those that the
    scan's border does not cut (``dice_whole``); mean of the average symmetric surface distances in mm over the found ones; share
    found (IoU 0.5); share with the right number too; share of found ones whose completeness is right; number of invented
    instances. The last row holds the means over scans.
    ``engine.state.metrics`` get the mean Dice as ``instance_dice`` and the identification rate.

    Args:
        output_dir: folder of ``vertebra_scores.csv`` (a row a scan) and ``vertebrae.csv`` (a row a vertebra); None writes none.
    """

    def __init__(self, output_dir: str | Path | None = None) -> None:
        super().__init__(SCORES, "instance_dice", output_dir, "vertebra_scores.csv")
        self.vertebrae: list[dict] = []

    def start(self) -> None:
        super().start()
        self.vertebrae.clear()

    def score(self, item: dict) -> dict:
        meta = item["label"].meta
        spacing = tuple(np.linalg.norm(np.asarray(meta["original_affine"], dtype=float)[:3, :3], axis=0).tolist())
        pred, label = (item[key][0].cpu().numpy().astype(np.uint8) for key in ("pred", "label"))
        matches = match_vertebrae(pred, label, spacing)
        complete = {row["number"]: row["complete"] for row in json.loads(item["pred"].meta.get("vertebrae", "[]"))}
        name = case_name(meta["filename_or_obj"])
        for match in matches:
            values = (match.truth, match.predicted, match.dice, match.iou, match.assd, match.cut, match.identified)
            self.vertebrae.append(dict(zip(VERTEBRA_COLUMNS, (name, *values), strict=True)))
        return {"case": name} | score_scan(matches, complete)

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {"instance_dice": means["dice"], "identification_rate": means["identification_rate"]}

    def write(self, rows: list[dict]) -> None:
        super().write(rows)
        if self.vertebrae:
            write_table(self.path.with_name("vertebrae.csv"), self.vertebrae)


def score_scan(matches: list, complete: dict[int, bool]) -> dict[str, float]:
    """Return `SCORES` of one scan from its matches and, by predicted number, what the network says of completeness."""
    true = [match for match in matches if match.truth]
    found = [match for match in true if match.iou >= 0.5]
    return {
        "dice": finite_mean([match.dice for match in true]),
        "dice_whole": finite_mean([match.dice for match in true if not match.cut]),
        "assd_mm": finite_mean([match.assd for match in found]),
        "found": len(found) / max(1, len(true)),
        "identification_rate": sum(match.identified for match in true) / max(1, len(true)),
        "completeness_accuracy": finite_mean([float(complete.get(match.predicted, False) != match.cut) for match in found]),
        "false_positives": float(len(matches) - len(true)),
    }
