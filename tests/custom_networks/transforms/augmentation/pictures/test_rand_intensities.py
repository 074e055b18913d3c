"""Contrast, sharpness, noise and disease of whole batches."""

import pytest
import torch

from custom_networks import (
    Normalize,
    RandBias,
    RandBlur,
    RandCurve,
    RandGamma,
    RandInvert,
    RandNoise,
    RandObjects,
    RandOffset,
    RandOpacities,
    RandResolution,
    RandTissues,
    SelectLabel,
)
from custom_networks.transforms.augmentation.pictures.rand_intensities import gaussian_blur

ALL = [
    RandBias(prob=1.0),
    RandBlur(prob=1.0),
    RandBlur(sharpen=2.0, prob=1.0),
    RandCurve(prob=1.0),
    RandGamma(prob=1.0),
    RandInvert(prob=1.0),
    RandNoise(prob=1.0),
    RandObjects((32, 32), drawings=3, prob=1.0),
    RandOffset(0.2),
    RandOpacities([[1], [2]], prob=1.0),
    RandOpacities([[1], [2]], brightness=(0.0, 1.0), darken=True, prob=1.0),
    RandResolution(prob=1.0),
    RandTissues(prob=1.0),
]


@pytest.fixture
def batch():
    """Four pictures of two nested squares."""
    image, label = torch.rand(4, 1, 32, 32) * 0.1, torch.zeros(4, 1, 32, 32, dtype=torch.long)
    image[..., 8:24, 8:24], label[..., 8:24, 8:24] = 0.5, 2
    image[..., 12:20, 12:20], label[..., 12:20, 12:20] = 0.9, 1
    return image, label


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_pictures_change_each_by_numbers_of_its_own_and_labels_stay(transform, batch):
    image, label = batch
    image[1:] = image[:1]
    changed, labels = transform(image.clone(), label)
    assert labels is label
    assert torch.isfinite(changed).all()
    assert changed.shape == image.shape
    assert not torch.equal(changed, image)
    if not isinstance(transform, (RandInvert, RandResolution, RandObjects)):
        assert not torch.allclose(changed[0], changed[1])


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_flat_pictures_stay_finite(transform):
    changed, _ = transform(torch.zeros(2, 1, 32, 32), torch.zeros(2, 1, 32, 32, dtype=torch.long))
    assert torch.isfinite(changed).all()


def test_the_share_of_changed_pictures_is_the_probability():
    image = torch.rand(2000, 1, 2, 2)
    changed, _ = RandInvert(0.3)(image, image)
    assert ((changed != image).flatten(1).any(1).float().mean()).item() == pytest.approx(0.3, abs=0.04)


def test_a_share_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="prob"):
        RandInvert(1.5)


def test_inverted_twice_is_the_picture():
    image = torch.rand(3, 1, 5, 5)
    once, _ = RandInvert(1.0)(image, image)
    assert torch.allclose(once.amax((1, 2, 3)), image.amax((1, 2, 3)))
    assert torch.allclose(RandInvert(1.0)(once, image)[0], image, atol=1e-6)


def test_rising_curves_keep_the_order_of_intensities():
    image = torch.rand(8, 1, 6, 6)
    changed, _ = RandCurve(points=5, monotonic=1.0, prob=1.0)(image, image)
    order = image.flatten(1).argsort(1)
    assert (changed.flatten(1).gather(1, order).diff(dim=1) >= -1e-6).all()


def test_blur_is_a_gaussian_of_each_pictures_own_sigma():
    image = torch.zeros(2, 1, 41, 41)
    image[..., 20, 20] = 1.0
    blurred = gaussian_blur(image, torch.tensor([1.0, 3.0]), 3.0)
    rows = torch.arange(41.0) - 20
    variances = (blurred.sum(3)[:, 0] * rows**2).sum(1) / blurred.sum((1, 2, 3))
    assert variances.sqrt().tolist() == pytest.approx([1.0, 3.0], abs=0.15)


def test_normalized_pictures_have_mean_0_and_deviation_1():
    image, _ = Normalize()(torch.rand(3, 1, 9, 9) * 7 + 2, torch.zeros(3, 1, 9, 9))
    assert image.mean((1, 2, 3)).abs().max() < 1e-5
    assert image.std((1, 2, 3)).tolist() == pytest.approx([1.0] * 3, abs=1e-4)


def test_a_selected_label_is_a_mask():
    _, label = SelectLabel(2)(torch.zeros(1), torch.tensor([0, 1, 2, 2]))
    assert label.tolist() == [0, 0, 1, 1]


def test_opacities_stay_within_the_organ_and_only_brighten(batch):
    image, label = batch
    changed, _ = RandOpacities([[1]], brightness=(0.99, 1.0), prob=1.0)(image.clone() * (label != 1), label)
    difference = changed - image * (label != 1)
    assert (difference >= -1e-6).all()
    assert difference[..., :4, :].abs().max() < 1e-3
    assert difference[label == 1].max() > 0.05


def test_tissues_get_contrasts_of_their_own(batch):
    image, label = batch
    changed, _ = RandTissues(bright_prob=1.0, contrast=(0.3, 0.3), texture=(0, 0), blur=(0.01, 0.01), prob=1.0)(image, label)
    bright, dark = ((changed * (label == value)).sum((1, 2, 3)) / (label == value).sum((1, 2, 3)) for value in (1, 2))
    assert (bright - dark).tolist() == pytest.approx([0.3] * 4, abs=1e-3)


def test_pictures_without_the_dark_tissue_are_not_repainted(batch):
    image, label = batch
    label[0] = 1
    changed, _ = RandTissues(prob=1.0)(image, label)
    assert torch.equal(changed[0], image[0])
    assert not torch.equal(changed[1], image[1])
