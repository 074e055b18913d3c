import csv

import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from pytest import approx

from custom_networks import LabelMapReport


def _item(name: str, pred: list[int], label: list[int]) -> dict:
    return {
        "pred": torch.tensor([[pred]]),
        "label": MetaTensor(torch.tensor([[label]]), meta={"filename_or_obj": f"{name}.png"}),
    }


def test_means_over_cases_and_the_table(tmp_path):
    items = [_item("a", [1, 1, 2, 0], [1, 1, 2, 0]), _item("b", [1, 0, 2, 2], [1, 1, 2, 0])]
    engine = Engine(lambda engine, batch: [items[batch]])
    LabelMapReport(["right lung", "heart"], tmp_path / "new").attach(engine)
    engine.run([0, 1])
    assert engine.state.metrics["dice_right_lung"] == approx((1 + 2 / 3) / 2)
    assert engine.state.metrics["dice_heart"] == approx((1 + 2 / 3) / 2)
    assert engine.state.metrics["mean_dice"] == approx(5 / 6)
    with (tmp_path / "new" / "dice.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["a", "b", "mean"]
    assert rows[1]["right lung"] == "0.666667" and rows[2]["mean"] == "0.833333"


def test_sizes_beside_those_of_the_labels_where_there_are_any(tmp_path):
    items = [_item("a", [1, 1, 1, 0], [1, 1, 0, 0]), _item("b", [1, 0, 2, 2], [1, 1, 2, 0])]
    engine = Engine(lambda engine, batch: [items[batch]])
    LabelMapReport(["right lung", "heart"], tmp_path).attach(engine)
    engine.run([0, 1])
    with (tmp_path / "dice.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["right lung size"] for row in rows] == ["1.5", "0.5", "1"]
    assert [row["heart size"] for row in rows] == ["nan", "2", "2"]


def test_a_class_that_neither_mask_nor_label_has_counts_in_no_mean(tmp_path):
    """Nine slices of a stack end below a muscle: they say nothing of how well it is drawn."""
    items = [_item("a", [1, 1, 0, 0], [1, 1, 0, 0]), _item("b", [1, 1, 0, 0], [1, 1, 2, 2]), _item("c", [1, 1, 2, 0], [1, 1, 0, 0])]
    engine = Engine(lambda engine, batch: [items[batch]])
    LabelMapReport(["erector spinae", "quadratus lumborum"], tmp_path).attach(engine)
    engine.run([0, 1, 2])
    assert engine.state.metrics["dice_quadratus_lumborum"] == approx(0.0, abs=1e-6)  # of two slices, one missed, one invented
    with (tmp_path / "dice.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["quadratus lumborum"] for row in rows[:1]] == ["nan"]
    assert [float(row["mean"]) for row in rows[:3]] == approx([1.0, 0.5, 0.5])
