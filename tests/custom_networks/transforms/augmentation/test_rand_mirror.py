import torch

from custom_networks import RandMirrord

NAMES = ["right lung", "left lung", "heart"]


def test_image_and_label_are_flipped_and_sides_swapped():
    data = {"image": torch.arange(6.0).view(1, 3, 2), "label": torch.tensor([[[1, 0], [3, 0], [2, 2]]], dtype=torch.uint8)}
    mirrored = RandMirrord("image", "label", NAMES, prob=1.0)(data)
    assert mirrored["image"].tolist() == [[[4, 5], [2, 3], [0, 1]]]
    assert mirrored["label"].tolist() == [[[1, 1], [3, 0], [2, 0]]] and mirrored["label"].dtype == torch.uint8


def test_prob_0_changes_nothing():
    data = {"image": torch.rand(1, 3, 2), "label": torch.ones(1, 3, 2)}
    assert torch.equal(RandMirrord("image", "label", NAMES, prob=0.0)(data)["image"], data["image"])
