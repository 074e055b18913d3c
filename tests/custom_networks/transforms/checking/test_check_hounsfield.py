"""A warning for what is no CT."""

import logging

import pytest
import torch
from monai.data import MetaTensor

from custom_networks.transforms.checking.check_hounsfield import CheckHounsfieldd


@pytest.mark.parametrize(("least", "warned"), [(0.0, True), (24.0, True), (-90.0, False), (-1024.0, False)])
def test_an_image_without_air_is_warned_of(least, warned, caplog):
    image = MetaTensor(torch.tensor([[[least, 900.0]]]), meta={"filename_or_obj": "scan.nii.gz"})
    with caplog.at_level(logging.WARNING, "axial"):
        CheckHounsfieldd("image")({"image": image})
    assert ("scan.nii.gz" in caplog.text) == warned
