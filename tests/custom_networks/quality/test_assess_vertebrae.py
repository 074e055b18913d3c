"""The numbers of vertebrae are read as the inferer gives them, a text an image."""

import json

import pytest
import torch
from monai.data import MetaTensor

from custom_networks.quality.assess_vertebrae import AssessVertebrae

NUMBERS = json.dumps([{"probability": 0.5}, {"probability": 1.0}])


@pytest.mark.parametrize("meta", [{"vertebrae": [NUMBERS]}, {"vertebrae": NUMBERS}])
def test_numbers_are_read_from_the_inferers_meta_data(tmp_path, meta):
    image = MetaTensor(torch.rand(1, 1, 6, 6, 6))
    found = MetaTensor(torch.zeros(1, 2, 6, 6, 6), meta=meta)
    found[0, 0, 2:4] = 20
    found[0, 1, 2:4] = 0.9
    assert AssessVertebrae(tmp_path / "none.json").measure(image, found)["numbers"] == 0.75
