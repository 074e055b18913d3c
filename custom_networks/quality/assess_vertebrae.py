"""Judge the vertebrae that were found in a scan."""

import json
from pathlib import Path

import numpy as np
import torch

from .assess import AssessQuality
from .features import appearance, instance_sureness
from .model import QualityModel


class AssessVertebrae(AssessQuality):
    """As `AssessQuality`, from what `IterativeVertebraInferer` gives: how sure it is of each vertebra's voxels and of its number.

    Args:
        path: of quality.json, see `QualityModel`; without it there are measures and no number.
    """

    def __init__(self, path: str | Path) -> None:
        self.model = QualityModel.load(path)

    def measure(self, image: torch.Tensor, found: torch.Tensor) -> dict[str, float | list[float]]:
        """Return the measures of what was found, ``(1, 2, X, Y, Z)``: owners and their probabilities."""
        sure = instance_sureness(found[0, 0], found[0, 1])
        numbers = [vertebra["probability"] for vertebra in json.loads(_first(found, "vertebrae", "[]"))]
        values = {
            "sureness": np.mean(sure) if sure else 0.0,
            "sureness_worst": min(sure, default=0.0),
            "numbers": np.mean(numbers) if numbers else 0.0,
        }
        return {name: round(float(value), 4) for name, value in values.items()} | self.compare(
            {"appearance": appearance(image[0, 0].as_subclass(torch.Tensor))}
        )


def _first(found: torch.Tensor, name: str, default: str) -> str:
    """Return what the meta data of a batch's first image say, whether the batch was collated or lists a value an image."""
    meta = getattr(found, "meta", {})
    value = (meta[0] if isinstance(meta, list) else meta).get(name, default)
    return value[0] if isinstance(value, list) else value
