"""Score label maps class by class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ..cases.cases import case_name
from ..metrics.dice import dice_coefficients
from ..metrics.finite_mean import finite_mean
from ..metrics.partial import allowed_classes, resolve_partial
from .case_report import CaseReport


class LabelMapReport(CaseReport):
    """Report the Dice of every class and their mean, and its size beside the label's, 1 when neither is the larger.

    A class that neither prediction nor label has says nothing of the network: it has no score in that case (nan), and counts in
    no mean.

    ``engine.state.metrics`` get the mean over classes and cases as ``mean_dice`` and each class's as ``dice_<class>``. Sizes stand
    in the tables alone, as ``<class> size``; a case without the class counts in none.

    Args:
        names: of the classes 1, 2, ...
        output_dir: folder of ``dice.csv``, a row a case and a last one of means; None writes none.
        allowed: labels beyond the classes that stand for one of several, see `PartialLabels`: there the prediction is right if it
            is one of them. A class that a case knows in this way only has no score in it.
    """

    def __init__(
        self, names: Sequence[str], output_dir: str | Path | None = None, allowed: Mapping[str | int, Sequence[int]] | None = None
    ) -> None:
        self.table = allowed_classes(len(names) + 1, allowed)
        self.names, self.sizes = tuple(names), tuple(f"{name} size" for name in names)
        super().__init__((*names, "mean", *self.sizes), "mean_dice", output_dir, "dice.csv")

    def score(self, item: dict) -> dict:
        pred, label = (torch.as_tensor(item[key]).round().long().cpu() for key in ("pred", "label"))
        undecided = set(label[label > len(self.names)].unique().tolist())
        decided = set(label.unique().tolist()) - undecided
        label = resolve_partial(pred, label, self.table)
        scores = dice_coefficients(pred, label, len(self.names) + 1).tolist()
        found, true = (torch.bincount(labels.flatten(), minlength=len(self.names) + 1)[1:] for labels in (pred, label))
        there = (found + true > 0).tolist()
        if undecided:
            there = [value in decided for value in range(1, len(self.names) + 1)]
        scores = [score if known else float("nan") for score, known in zip(scores, there, strict=True)]
        return {
            "case": case_name(item["label"].meta["filename_or_obj"]),
            **dict(zip(self.names, scores, strict=True)),
            "mean": finite_mean(scores),
            **dict(zip(self.sizes, (found / true).tolist(), strict=True)),
        }

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {f"dice_{name.replace(' ', '_')}": means[name] for name in self.names} | {"mean_dice": means["mean"]}
