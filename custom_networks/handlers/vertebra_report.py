"""Score whole scans: every vertebra found, its mask, its number, its completeness."""

import csv
import json
import logging
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from ..data.cases import case_name
from ..metrics.vertebra_scores import match_vertebrae

logger = logging.getLogger("axial")
SCORES = ("dice", "dice_whole", "assd_mm", "found", "identification_rate", "completeness_accuracy", "false_positives")
VERTEBRA_COLUMNS = ("case", "truth", "predicted", "dice", "iou", "assd_mm", "cut", "identified")


class VertebraReport:
    """Collect scores per scan and vertebra, print them, write them to CSV files.

    Per scan: mean Dice over the vertebrae of the truth of at least 1000 mm3, missed ones counting 0; the same over those that the
    scan's border does not cut (``dice_whole``); mean of the average symmetric surface distances in mm over the found ones; share
    found (IoU 0.5); share with the right number too; share of found ones whose completeness is right; number of invented
    instances. The last row holds the means over scans.

    Args:
        output_dir: folder of ``vertebra_scores.csv`` (a row a scan) and ``vertebrae.csv`` (a row a vertebra); None writes none.
        key: name under which the engine's ``state.metrics`` get the mean Dice; the identification rate stands beside it.
    """

    def __init__(self, output_dir: str | Path | None = None, key: str = "instance_dice") -> None:
        self.output_dir, self.key = None if output_dir is None else Path(output_dir), key
        self.rows: list[dict] = []
        self.vertebrae: list[dict] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator whose output holds ``pred`` and ``label`` on the file's grid."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _start(self, engine: Engine) -> None:
        self.rows.clear()
        self.vertebrae.clear()

    def _collect(self, engine: Engine) -> None:
        for item in engine.state.output:
            meta = item["label"].meta
            spacing = tuple(np.linalg.norm(np.asarray(meta["original_affine"], dtype=float)[:3, :3], axis=0).tolist())
            pred, label = (item[key][0].cpu().numpy().astype(np.uint8) for key in ("pred", "label"))
            matches = match_vertebrae(pred, label, spacing)
            complete = {row["number"]: row["complete"] for row in json.loads(item["pred"].meta.get("vertebrae", "[]"))}
            name = case_name(meta["filename_or_obj"])
            self.rows.append({"case": name} | score_scan(matches, complete))
            for match in matches:
                values = (
                    match.truth,
                    match.predicted,
                    f"{match.dice:.4f}",
                    f"{match.iou:.4f}",
                    f"{match.assd:.3f}",
                    match.cut,
                    match.identified,
                )
                self.vertebrae.append(dict(zip(VERTEBRA_COLUMNS, (name, *values), strict=True)))

    def _finish(self, engine: Engine) -> None:
        mean = {"case": "mean"} | {name: _mean([row[name] for row in self.rows]) for name in SCORES}
        engine.state.metrics |= {self.key: mean["dice"], "identification_rate": mean["identification_rate"]}
        for row in (*self.rows, mean):
            logger.info("%s: %s", row["case"], ", ".join(f"{name} {row[name]:.3f}" for name in SCORES))
        if self.output_dir is None:
            return
        self.output_dir.mkdir(parents=True, exist_ok=True)
        rows = [row | {name: f"{row[name]:.4f}" for name in SCORES} for row in (*self.rows, mean)]
        for file, columns, content in (
            ("vertebra_scores.csv", ("case", *SCORES), rows),
            ("vertebrae.csv", VERTEBRA_COLUMNS, self.vertebrae),
        ):
            with (self.output_dir / file).open("w", newline="") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(content)


def score_scan(matches: list, complete: dict[int, bool]) -> dict[str, float]:
    """Return `SCORES` of one scan from its matches and, by predicted number, what the network says of completeness."""
    true = [match for match in matches if match.truth]
    found = [match for match in true if match.iou >= 0.5]
    return {
        "dice": _mean([match.dice for match in true]),
        "dice_whole": _mean([match.dice for match in true if not match.cut]),
        "assd_mm": _mean([match.assd for match in found]),
        "found": len(found) / max(1, len(true)),
        "identification_rate": sum(match.identified for match in true) / max(1, len(true)),
        "completeness_accuracy": _mean([float(complete.get(match.predicted, False) != match.cut) for match in found]),
        "false_positives": float(len(matches) - len(true)),
    }


def _mean(values: list[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
