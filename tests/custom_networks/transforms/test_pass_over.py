"""What nobody labelled."""

import torch

from custom_networks import PassOverd


def test_prediction_and_label_are_background_there():
    data = PassOverd("pred")({"pred": torch.tensor([1, 1, 0]), "label": torch.tensor([255, 1, 255])})
    assert data["pred"].tolist() == [0, 1, 0]
    assert data["label"].tolist() == [0, 1, 0]
