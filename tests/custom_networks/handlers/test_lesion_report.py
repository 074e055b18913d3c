import csv

import numpy as np
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from pytest import approx

from custom_networks import LesionReport


def _item(name: str, pred: np.ndarray, label: np.ndarray) -> dict:
    meta = {"filename_or_obj": f"{name}.nii.gz", "original_affine": np.diag([1.0, 1.0, 2.0, 1.0])}
    return {"pred": torch.from_numpy(pred)[None], "label": MetaTensor(torch.from_numpy(label)[None], meta=meta)}


def test_scores_means_and_sums_by_size(tmp_path):
    label = np.zeros((12, 12, 12), np.float32)
    label[1:3, 1, 1], label[6:9, 6:9, 6:9] = 1, 1  # 4 and 54 mm3
    pred = label.copy()
    pred[1:3, 1, 1] = 0
    engine = Engine(lambda engine, batch: [_item(*batch)])
    LesionReport(tmp_path).attach(engine)
    engine.run([("a", pred, label), ("b", label, label)])
    assert engine.state.metrics["lesion_true_positive_rate"] == approx(0.75)
    assert engine.state.metrics["mean_dice"] == approx((2 * 27 / 56 + 1) / 2)
    with (tmp_path / "lesion_scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["found 3-10 mm3"] for row in rows] == ["0", "1", "1"]
    assert [row["lesions 10-100 mm3"] for row in rows] == ["1", "1", "2"] and rows[2]["case"] == "mean"
