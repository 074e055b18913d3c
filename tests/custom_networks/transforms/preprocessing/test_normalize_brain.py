import numpy as np
import torch
from pytest import approx

from custom_networks import NormalizeBraind


def normalize(image: torch.Tensor) -> torch.Tensor:
    return NormalizeBraind("image")({"image": image})["image"]


def brain() -> torch.Tensor:
    image = torch.zeros(2, 30, 30, 30)
    values = np.random.default_rng(0).normal(500, 60, (2, 20, 20, 20))
    image[:, 5:25, 5:25, 5:25] = torch.from_numpy(values).float()
    return image


def test_median_0_and_spread_1_in_the_brain_and_0_outside():
    scaled = normalize(brain())
    inside = scaled[:, 5:25, 5:25, 5:25]
    assert float(inside[0].median()) == approx(0, abs=0.01) and float(inside.std()) == approx(1, abs=0.03)
    assert not scaled[:, :5].any() and bool((inside != 0).all())


def test_scale_of_the_scanner_and_bright_leftovers_do_not_matter():
    first, other = brain(), 37 * brain()
    other[1, 5:7, 5:25, 5:25] = 37 * 4000  # a sinus: a tenth of the voxels
    assert torch.allclose(normalize(other)[0], normalize(first)[0], atol=1e-3)
    difference = (normalize(other) - normalize(first))[1, 8:20, 8:20, 8:20].abs()
    assert float(difference.mean()) < 0.3


def test_empty_and_constant_channels_and_integers():
    image = torch.zeros(2, 8, 8, 8)
    image[0, 2:6] = 7
    scaled = normalize(image)
    assert bool(torch.isfinite(scaled).all()) and not scaled[1].any() and bool((scaled[0, 2:6] != 0).all())
