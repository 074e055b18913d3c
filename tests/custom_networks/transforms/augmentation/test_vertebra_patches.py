"""Patches of training: centres, memory, completeness, numbers."""

import numpy as np
import pytest
import torch

from custom_networks.transforms.augmentation.rand_vertebra_patch import RandVertebraPatchd

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


def test_empty_patches_have_no_instance_and_no_number():
    for item in draw(empty=1.0):
        assert not item["label"][0].any() and item["complete"] == -1 and item["number"] == 0
    assert any(item["label"][1].any() for item in draw(empty=1.0))


def test_outside_of_the_scan_is_air():
    items = draw(empty=0.0, outside=-1.0)
    assert any((item["image"] == -1).any() for item in items)
    for item in items:
        assert not item["label"][:, item["image"][0] == -1].any()


def test_some_patches_are_thin():
    assert {tuple(item["image"].shape[1:]) for item in draw(thin=0.5, thin_size=20)} == {(32, 32, 32), (32, 32, 20)}


def test_same_seed_same_patches():
    for one, other in zip(draw(8), draw(8), strict=True):
        assert torch.equal(one["image"], other["image"]) and torch.equal(one["label"], other["label"])


def test_a_scan_without_vertebrae_gives_empty_patches():
    data = {"image": torch.zeros(1, 40, 40, 40), "label": torch.zeros(1, 40, 40, 40, dtype=torch.uint8)}
    item = RandVertebraPatchd(KEYS, patch=32)(data)
    assert item["number"] == 0 and item["complete"] == -1


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="direction"):
        RandVertebraPatchd(KEYS, direction="left")


def test_numbers_are_levels_and_the_sacrum_is_a_target():
    """T13 stands between T12 and L1, the sacrum two below L5."""
    data = column()
    for old, new in ((10, 19), (11, 28), (12, 26)):
        data["label"][data["label"] == old] = new
    transform = RandVertebraPatchd(KEYS, patch=32, empty=0.0)
    transform.set_random_state(0)
    assert {item["number"] for item in (transform(data) for _ in range(60))} - {0.0} == {19.0, 19.5, 26.0}
