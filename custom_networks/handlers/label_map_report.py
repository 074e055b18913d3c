"""Score label maps class by class."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ..data.cases import case_name
from ..metrics.dice import dice_coefficients
from .case_report import CaseReport


class LabelMapReport(CaseReport):
    """Report the Dice of every class and their mean.

    ``engine.state.metrics`` get the mean over classes and cases as ``mean_dice`` and each class's as ``dice_<class>``.

    Args:
        names: of the classes 1, 2, ...
        path: CSV file with a row a case and a last one of means; None writes none.
    """

    def __init__(self, names: Sequence[str], path: str | Path | None = None) -> None:
        super().__init__((*names, "mean"), path, log_cases=False)
        self.names = tuple(names)

    def score(self, item: dict) -> dict:
        pred, label = (torch.as_tensor(item[key]).round().long().cpu() for key in ("pred", "label"))
        scores = dice_coefficients(pred, label, len(self.names) + 1).tolist()
        row = dict(zip(self.names, scores, strict=True)) | {"mean": sum(scores) / len(scores)}
        return {"case": case_name(item["label"].meta["filename_or_obj"])} | row

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {f"dice_{name.replace(' ', '_')}": means[name] for name in self.names} | {"mean_dice": means["mean"]}
