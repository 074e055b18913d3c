"""Slices that are kept for training."""

import torch

from custom_networks import SliceDataset


def case(entry):
    image, label = torch.rand(1, 20, 30, 4), torch.zeros(1, 20, 30, 4)
    label[0, 15:18, 3:6, 1:3] = 1
    label[0, 15:18, 3:6, 0] = 2
    return {"image": image, "label": label}


def test_labelled_slices_are_kept_with_their_share_of_the_weight():
    data = SliceDataset([{"weight": 3.0}, {}], case, labelled=[1])
    assert len(data) == 4
    assert data.weights == [1.5, 1.5, 1.0, 1.0]
    assert data[0]["image"].shape == (1, 20, 30)


def test_slices_are_cut_around_the_label_and_filled_up():
    data = SliceDataset([{}], case, size=(8, 40), labelled=[1, 2])
    assert len(data) == 3
    for item in data:
        assert item["image"].shape == item["label"].shape == (1, 8, 40)
        assert (item["label"] > 0).sum() == 9
    assert torch.equal(data[0]["image"][:, :, 0], data[0]["image"][:, :, 4])  # the edge, repeated


def test_without_a_size_nothing_is_cut():
    assert len(SliceDataset([{}], case)) == 4
