"""What training paints on radiographs."""

import numpy as np
import torch

from custom_networks import RandFilmObjectsd, RandLungOpacityd


def _chest() -> dict:
    label = torch.zeros(1, 60, 60, dtype=torch.uint8)
    label[:, 5:25, 10:50], label[:, 35:55, 10:50], label[:, 25:35, 25:50] = 1, 2, 3
    image = torch.where((label == 1) | (label == 2), -1.0, 1.0)
    return {"image": image, "label": label}


def test_opacities_brighten_lungs_towards_the_heart_and_nothing_else():
    changed = []
    for seed in range(12):
        data = _chest()
        painted = RandLungOpacityd("image", prob=1.0).set_random_state(seed)(data)
        assert torch.equal(painted["label"], data["label"])
        difference = painted["image"] - data["image"]
        assert difference.min() >= 0 and painted["image"].max() <= 1
        assert difference[data["label"] == 3].max() < 1e-6
        changed.append(float((difference > 0.2).float().mean()))
    assert np.mean(changed) > 0.02


def test_objects_stay_within_the_range_and_are_drawn():
    changed = []
    for seed in range(12):
        data = {"image": torch.rand(1, 64, 48)}
        painted = RandFilmObjectsd("image", prob=1.0).set_random_state(seed)(data)["image"]
        assert painted.shape == (1, 64, 48) and painted.dtype == torch.float32
        assert painted.min() >= data["image"].min() - 1e-6 and painted.max() <= data["image"].max() + 1e-6
        changed.append(bool((painted != data["image"]).any()))
    assert np.mean(changed) > 0.7


def test_prob_0_changes_nothing():
    data = _chest()
    for transform in (RandFilmObjectsd("image", prob=0.0), RandLungOpacityd("image", prob=0.0)):
        assert torch.equal(transform(data)["image"], data["image"])
