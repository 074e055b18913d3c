"""Batches for the network and its loss: channels, weights by distance."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from custom_networks.vertebrae.batches import PrepareVertebraBatch, border_weights, distance_to


def test_distances_are_scipys_up_to_the_reach():
    mask = np.random.default_rng(0).random((2, 14, 11, 17)) > 0.995
    expected = np.stack([distance_transform_edt(~part) for part in mask])
    result = distance_to(torch.from_numpy(mask), 6).numpy()
    near = expected <= 6
    np.testing.assert_allclose(result[near], expected[near], rtol=1e-6)
    assert (result[~near] > 6).all()


def test_weights_follow_the_formula():
    mask = torch.zeros(2, 20, 20, 20, dtype=torch.bool)
    mask[0, 5:15, 5:15, 5:15] = True
    weights = border_weights(mask, 8.0, 3.0)
    distance = {(10, 10, 14): 0.5, (10, 10, 15): 0.5, (10, 10, 12): 2.5, (10, 10, 17): 2.5}
    for place, d in distance.items():
        assert weights[0][place].item() == pytest.approx(1 + 8 * np.exp(-((d / 3) ** 2)), rel=1e-5)
    assert weights[0, 0, 0, 0] < 1.05
    assert (weights[1] == 1).all()  # no target, no border


def test_targets_are_channels():
    batch = {
        "image": torch.zeros(2, 1, 8, 8, 8), "label": torch.zeros(2, 2, 8, 8, 8),
        "complete": torch.tensor([1.0, 0.0]), "number": torch.tensor([21.0, 19.5]),
    }  # fmt: skip
    batch["label"][:, 0, 2:4] = 1
    batch["label"][:, 1, 5:] = 1
    image, target = PrepareVertebraBatch()(batch, "cpu")
    assert image.shape == (2, 2, 8, 8, 8) and target.shape == (2, 4, 8, 8, 8)
    assert torch.equal(image[:, 1], batch["label"][:, 1]) and torch.equal(target[:, 0], batch["label"][:, 0])
    assert (target[0, 2] == 1).all() and (target[1, 2] == 0).all()
    assert (target[0, 3] == 21).all() and (target[1, 3] == 19.5).all()


def test_augmentation_comes_first():
    batch = {"image": torch.zeros(1, 1, 4, 4, 4), "label": torch.ones(1, 2, 4, 4, 4), "complete": [1.0], "number": [3.0]}
    image, target = PrepareVertebraBatch(lambda image, label: (image + 1, label * 0))(batch)
    assert (image[:, 0] == 1).all() and not image[:, 1].any() and not target[:, 0].any()
