"""Slices that are kept for training."""

import pytest
import torch

from custom_networks import SliceDataset, UserError


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


def test_cases_without_a_labelled_slice_are_told_and_left_out(caplog):
    def transform(entry):
        return (
            case(entry) if entry["image"] == "a.nii.gz" else {"image": torch.rand(1, 20, 30, 4), "label": torch.zeros(1, 20, 30, 4)}
        )

    entries = [{"image": "empty.nii.gz"}, {"image": "a.nii.gz"}]
    data = SliceDataset(entries, transform, size=(8, 40), labelled=[1])
    assert len(data) == 2 and data.weights == [1.0, 1.0]
    assert "empty.nii.gz: no slice has a label to learn" in caplog.text
    with pytest.raises(UserError, match="no slice of the training cases"):
        SliceDataset(entries[:1], transform, size=(8, 40), labelled=[1])
