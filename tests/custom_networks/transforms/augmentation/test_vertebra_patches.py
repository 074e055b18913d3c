"""Patches of training: centres, memory, completeness, weights."""

import numpy as np
import pytest
import torch

from custom_networks.transforms.augmentation.rand_vertebra_patch import RandVertebraPatchd
from custom_networks.transforms.augmentation.vertebra_targets import VertebraTargetsd

KEYS = ["image", "label"]


def column() -> dict:
    """Three blocks, 10 on top, 11, 12, in a volume of 40x40x80; the image tells every voxel's height."""
    label = np.zeros((1, 40, 40, 80), np.uint8)
    for number, z in ((10, 60), (11, 40), (12, 20)):
        label[0, 15:25, 15:25, z : z + 12] = number
    image = np.broadcast_to(np.arange(80, dtype=np.float32) / 100, label.shape).copy()
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}


def draw(count: int = 60, **options) -> list[dict]:
    transform = RandVertebraPatchd(KEYS, **({"patch": 32} | options))
    transform.set_random_state(0)
    return [transform(column()) for _ in range(count)]


@pytest.mark.parametrize(
    ("direction", "before"), [("down", {10: (), 11: (10,), 12: (10, 11)}), ("up", {12: (), 11: (12,), 10: (11, 12)})]
)
def test_memory_holds_what_comes_before(direction, before):
    for item in draw(direction=direction, empty=0.0):
        if not item["number"]:
            continue
        target, memory = item["label"].bool()
        heights = (item["image"][0] * 100).round()
        numbers = torch.zeros_like(heights)
        for number, z in ((10, 60), (11, 40), (12, 20)):
            numbers[(heights >= z) & (heights < z + 12)] = number
        assert set(numbers[target].int().tolist()) == {int(item["number"])}
        assert set(numbers[memory].int().tolist()) <= set(before[int(item["number"])])
        assert not (target & memory).any()


def test_complete_means_98_percent_in_the_patch():
    for item in draw(empty=0.0):
        if item["number"]:
            assert item["complete"] == (item["label"][0].sum() >= 0.98 * 1200)
    assert {item["complete"] for item in draw(empty=0.0)} >= {0.0, 1.0}


def test_vertebra_at_the_border_of_the_scan_is_incomplete():
    transform = RandVertebraPatchd(KEYS, patch=32, empty=0.0)
    transform.set_random_state(1)
    data = column()
    data = {key: value[:, :, :, :66].contiguous() for key, value in data.items()}
    answers = {item["complete"] for item in (transform(data) for _ in range(40)) if item["number"] == 10}
    assert answers == {0.0}


def test_empty_patches():
    for item in draw(empty=1.0):
        assert not item["label"][0].any() and item["complete"] == -1 and item["number"] == 0
    assert any(item["label"][1].any() for item in draw(empty=1.0))


def test_outside_of_the_scan_is_air():
    items = draw(empty=0.0, outside=-1.0)
    assert any((item["image"] == -1).any() for item in items)
    for item in items:
        assert not item["label"][:, item["image"][0] == -1].any()


def test_thin_patches():
    assert {tuple(item["image"].shape[1:]) for item in draw(thin=0.5, thin_size=20)} == {(32, 32, 32), (32, 32, 20)}


def test_same_seed_same_patches():
    for one, other in zip(draw(8), draw(8), strict=True):
        assert torch.equal(one["image"], other["image"]) and torch.equal(one["label"], other["label"])


def test_scan_without_vertebrae():
    data = {"image": torch.zeros(1, 40, 40, 40), "label": torch.zeros(1, 40, 40, 40, dtype=torch.uint8)}
    item = RandVertebraPatchd(KEYS, patch=32)(data)
    assert item["number"] == 0 and item["complete"] == -1


def test_wrong_direction():
    with pytest.raises(ValueError, match="direction"):
        RandVertebraPatchd(KEYS, direction="left")


def test_weights_follow_the_formula():
    mask = np.zeros((20, 20, 20), bool)
    mask[5:15, 5:15, 5:15] = True
    weights = VertebraTargetsd(KEYS, strength=8.0, width=3.0).weights(mask)
    distance = {(10, 10, 14): 0.5, (10, 10, 15): 0.5, (10, 10, 12): 2.5, (10, 10, 17): 2.5}
    for place, d in distance.items():
        assert weights[place] == pytest.approx(1 + 8 * np.exp(-((d / 3) ** 2)), rel=1e-6)
    assert weights[0, 0, 0] < 1.05


def test_targets_are_channels():
    data = {"image": torch.zeros(1, 8, 8, 8), "label": torch.zeros(2, 8, 8, 8), "complete": 1.0, "number": 21.0}
    data["label"][0, 2:4] = 1
    data["label"][1, 5:] = 1
    item = VertebraTargetsd(KEYS)(data)
    assert item["image"].shape == (2, 8, 8, 8) and item["label"].shape == (4, 8, 8, 8)
    assert torch.equal(item["image"][1], data["label"][1])
    assert (item["label"][2] == 1).all() and (item["label"][3] == 21).all()
    assert "complete" not in item and "number" not in item
