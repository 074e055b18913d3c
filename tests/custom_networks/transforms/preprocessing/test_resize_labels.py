from functools import partial

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Resized
from torch.nn.functional import interpolate

from custom_networks import ResizeLabelsd

NEAREST = partial(Resized, mode="nearest")


def centre(mask):
    return torch.nonzero(mask[0]).double().mean(0)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1)])
def test_a_pixel_gets_the_label_that_covers_most_of_it(shape):
    label = torch.tensor([[0, 0, 5, 5], [0, 5, 5, 5], [5, 5, 12, 12], [5, 0, 12, 3]], dtype=torch.uint8)
    found = ResizeLabelsd("label", (2, 2, -1)[: len(shape)])({"label": label.reshape(1, *shape), "other": 1})
    assert found["label"].squeeze().tolist() == [[0, 5], [5, 12]] and found["other"] == 1
    assert label[0, 2] == 5


def test_borders_stay_where_they_are():
    axis = torch.arange(256.0) - 100.3
    disc = (axis[:, None] ** 2 + axis**2 < 70**2)[None].to(torch.uint8)
    for resize, low, high in ((ResizeLabelsd, 0.0, 0.2), (NEAREST, 1.3, 1.7)):  # the latter is what it is there for
        moved = (4 * centre(resize("x", (64, 64))({"x": disc})["x"]) + 1.5 - centre(disc)).abs()
        assert moved.min() >= low and moved.max() <= high


def test_what_is_thin_can_be_had_back():
    axis = torch.arange(256.0) - 100.3
    bar = ((axis[:, None] * 0.94 + axis * 0.34).abs() < 7)[None].to(torch.uint8)  # as a clavicle

    def dice(small):
        small = small.as_subclass(torch.Tensor).float()
        large = interpolate(torch.cat([1 - small, small])[None], size=(256, 256), mode="bilinear")[0].argmax(0)
        return float(2 * (large * bar[0]).sum() / (large.sum() + bar.sum()))

    assert dice(ResizeLabelsd("x", (64, 64))({"x": bar})["x"]) > dice(NEAREST("x", (64, 64))({"x": bar})["x"]) + 0.02


def test_it_writes_down_what_monai_does_and_keeps_equal_sizes():
    label = MetaTensor(torch.arange(64).reshape(1, 8, 8, 1).float(), affine=torch.diag(torch.tensor([2.0, 3, 1, 1])).double())
    found, expected = (kind("x", (4, 4, -1))({"x": label})["x"] for kind in (ResizeLabelsd, NEAREST))
    assert torch.equal(found.affine, expected.affine) and found.shape == expected.shape and found.dtype == expected.dtype
    assert torch.equal(ResizeLabelsd("x", (8, 8, -1))({"x": label})["x"].as_tensor(), label.as_tensor())


def test_lazy_resampling_makes_no_other_labels():
    label = torch.tensor([[0, 0, 5, 5], [0, 3, 5, 5], [5, 5, 12, 12], [5, 0, 12, 3]], dtype=torch.uint8)[None]
    found = Compose([ResizeLabelsd("x", (2, 2))], lazy=True)({"x": label})["x"]
    assert found.squeeze().tolist() == [[0, 5], [5, 12]]
