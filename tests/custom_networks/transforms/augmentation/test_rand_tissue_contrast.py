import numpy as np
import torch
from monai.data import MetaTensor

from custom_networks import RandTissueContrastd


def sample() -> dict:
    label = torch.zeros(1, 40, 40)
    label[:, 10:30, 10:30] = 2
    label[:, 16:24, 16:24] = 1
    return {"image": MetaTensor(torch.rand(1, 40, 40)), "label": label}


def repaint(seed: int, **settings):
    data = sample()
    transform = RandTissueContrastd("image", "label", texture=(0.0, 0.0), blur=(0.01, 0.01), **settings)
    transform.set_random_state(seed)
    return data, transform(data)


def test_tissues_get_means_with_the_stated_contrast():
    for seed in range(20):
        data, painted = repaint(seed, prob=1.0, bright_prob=1.0, contrast=(0.2, 0.3))
        bright, dark = (painted["image"][data["label"] == value].mean().item() for value in (1, 2))
        assert 0.2 - 1e-3 <= bright - dark <= 0.3 + 1e-3


def test_contrast_can_be_inverted():
    data, painted = repaint(0, prob=1.0, bright_prob=0.0)
    assert painted["image"][data["label"] == 1].mean() < painted["image"][data["label"] == 2].mean()


def test_images_without_the_dark_tissue_stay_as_they_are():
    data = sample()
    data["label"][data["label"] == 2] = 0
    transform = RandTissueContrastd("image", "label", prob=1.0)
    assert torch.equal(transform(data)["image"], data["image"])


def test_probability_zero_does_nothing():
    data, painted = repaint(0, prob=0.0)
    assert torch.equal(painted["image"], data["image"])


def test_equal_seeds_give_equal_images_and_keep_meta_data():
    torch.manual_seed(1)
    first = repaint(3, prob=1.0)[1]["image"]
    torch.manual_seed(1)
    second = repaint(3, prob=1.0)[1]["image"]
    assert torch.equal(first, second)
    assert np.allclose(first.affine, np.eye(4))
