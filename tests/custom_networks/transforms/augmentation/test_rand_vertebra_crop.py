"""Crops by which the network of levels learns."""

import numpy as np
import torch

from custom_networks.transforms.augmentation.rand_vertebra_crop import RandVertebraCropd
from custom_networks.vertebrae.crops import MOST
from custom_networks.vertebrae.kinds import KINDS, UNKNOWN

KEYS = ["image", "label"]
PLAIN = {"field_prob": 0.0, "worn_prob": 0.0, "jitter": 0.0}


def scan() -> dict:
    """Vertebrae 18 to 20 above each other, of 10 voxels, and bone beside them."""
    labels = np.zeros((40, 40, 60), np.float32)
    for place, number in enumerate((20, 19, 18)):
        labels[12:22, 14:24, 10 + 14 * place : 20 + 14 * place] = number
    image = np.where(labels > 0, 0.5, 0.0).astype(np.float32)
    image[23:28, 5:15, 5:55] = 0.4
    return {"image": torch.from_numpy(image)[None], "label": torch.from_numpy(labels)[None]}


def crops(count: int, size=(24, 24, 80), **settings) -> list[dict]:
    transform = RandVertebraCropd(KEYS, size=size, spacing=3.0, **settings)
    transform.set_random_state(3)
    return [transform(scan()) for _ in range(count)]


def told(crop: dict) -> list[tuple[int, str]]:
    count = int(crop["label"].max())
    return [(int(n), KINDS[k] if k != UNKNOWN else "") for n, k in zip(crop["number"][:count], crop["kind"][:count], strict=True)]


def test_all_instances_are_told_from_top_to_bottom():
    drawn = set()
    for crop in crops(24, **PLAIN):
        index = crop["label"][0].numpy()
        assert crop["image"].shape == (1, 24, 24, 80) and len(crop["number"]) == len(crop["kind"]) == MOST
        assert told(crop) == [(18, "thoracic"), (19, "last thoracic"), (20, "first lumbar")]
        assert set(crop["kind"][3:]) == {UNKNOWN} and set(crop["number"][3:]) == {0}
        centres = np.array([np.argwhere(index == i).mean(0) for i in (1, 2, 3)])
        assert (np.diff(centres[:, 2]) == -14).all() and all((index == i).sum() == 1000 for i in (1, 2, 3))
        middle = (np.array(index.shape) - 1) / 2
        drawn.add(int(np.linalg.norm(centres - middle, axis=1).argmin()))
        assert np.linalg.norm(centres - middle, axis=1).min() < 1
    assert drawn == {0, 1, 2}


def test_what_the_crop_cuts_is_not_asked_for():
    for crop in crops(6, (24, 24, 34), **PLAIN):
        for number, kind in told(crop):
            assert (number, kind) in ((18, "thoracic"), (19, "last thoracic"), (20, "first lumbar"), (0, ""))
    assert any((0, "") in told(crop) for crop in crops(6, (24, 24, 34), **PLAIN))


def test_equal_seeds_are_equal_crops():
    first, second = crops(3), crops(3)
    assert all(torch.equal(a[key], b[key]) for a, b in zip(first, second, strict=True) for key in KEYS)


def test_a_cut_field_shows_nothing_beyond():
    cut = crops(6, **PLAIN | {"field_prob": 1.0, "side_prob": 1.0, "across": (3.0, 3.0), "along": (-6.0, -6.0)})
    for crop in cut:
        assert int((crop["image"] > -1).sum()) == 12 * 12 * 6 and int((crop["label"] == 1).sum()) == 600
        assert crop["label"].max() == 1


def test_worn_instances_are_still_told_and_some_are_no_vertebra():
    seen = [pair for crop in crops(60, **PLAIN | {"worn_prob": 0.6}) for pair in told(crop)]
    assert {(18, "thoracic"), (19, "last thoracic"), (20, "first lumbar"), (0, "no vertebra"), (0, "")} == set(seen)
    sizes = {int((crop["label"] == i).sum()) for crop in crops(20, **PLAIN | {"worn_prob": 0.6}) for i in (1, 2, 3)}
    assert len(sizes) > 10 and min(sizes - {0}) * 27 >= 1000


def test_an_empty_scan_has_no_instance():
    data = {"image": torch.full((1, 30, 30, 30), -1.0), "label": torch.zeros(1, 30, 30, 30)}
    crop = RandVertebraCropd(KEYS, size=(24, 24, 40))(data)
    assert not crop["label"].any() and set(crop["kind"]) == {UNKNOWN}
