"""Score the classes of pictures."""

from pathlib import Path

import torch

from ..cases.cases import case_name
from .case_report import CaseReport


class ClassReport(CaseReport):
    """Report which pictures got their class; ``engine.state.metrics`` get the share as ``accuracy``.

    Args:
        output_dir: folder of ``accuracy.csv``, a row a picture and a last one of means; None writes none.
    """

    def __init__(self, output_dir: str | Path | None = None) -> None:
        super().__init__(("accuracy",), "accuracy", output_dir, "accuracy.csv")

    def score(self, item: dict) -> dict:
        predicted, label = int(item["pred"].argmax()), int(torch.as_tensor(item["label"]))
        name = case_name(item["image"].meta["filename_or_obj"])
        return {"case": name, "accuracy": float(predicted == label), "label": label, "predicted": predicted}

    def metrics(self, means: dict[str, float]) -> dict[str, float]:
        return {"accuracy": means["accuracy"]}
