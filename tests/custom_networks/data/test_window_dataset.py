import logging

import torch
from monai.transforms import Lambda

from custom_networks import BrainMaskd, WindowDataset


def test_windows_of_the_grid_with_their_centre_in_the_brain():
    image = torch.zeros(2, 12, 12, 12)
    image[:, :8, :8, :8] = torch.arange(2 * 8**3).view(2, 8, 8, 8) + 1.0
    scans = WindowDataset([{"image": image}], BrainMaskd("image", "brain"), ["image"], "brain", window=4, step=4)
    assert len(scans) == 8
    assert torch.equal(scans[1]["image"], image[:, :4, :4, 4:8])
    assert list(scans[0]) == ["image"]


def test_mask_and_warning(caplog):
    image = torch.zeros(2, 4, 4, 4)
    image[1, 1, 2, 3] = -5
    assert BrainMaskd("image", "brain")({"image": image})["brain"].nonzero().tolist() == [[0, 1, 2, 3]]
    with caplog.at_level(logging.WARNING, logger="axial"):
        BrainMaskd("image")({"image": Lambda(torch.ones_like)(image)})
    assert "no background of zeros" in caplog.text
