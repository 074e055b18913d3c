"""The kind of result that is one class of a picture."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from custom_networks.errors import UserError

from ..report.view import View, view_picture
from .kind import CaseFiles, ResultKind


class Category(ResultKind):
    """A class and its probability, which the bundle writes to ``CASE_pred.json``."""

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        prediction = self.details(case)
        row = {"case": case.name, "structure": prediction["name"], "measure": "probability", "slice": "", "unit": ""}
        return [row | {"value": f"{max(prediction['probabilities']):.4f}"}]

    def details(self, case: CaseFiles) -> dict:
        return json.loads(case.result.read_text(encoding="utf-8"))

    def view(self, case: CaseFiles) -> View | None:
        return view_picture(np.asarray(Image.open(case.source).convert("L")), None, oriented=False)

    def score(self, prediction: Path, truth: int, classes: Mapping[str, str]) -> Iterable[dict]:
        try:
            right = json.loads(prediction.read_text(encoding="utf-8"))["name"] == classes[str(truth)]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{prediction}: no class of this bundle.", "Give CASE_pred.json and labels as classes.") from error
        return [{"structure": "all", "metric": "accuracy", "value": float(right), "unit": ""}]
