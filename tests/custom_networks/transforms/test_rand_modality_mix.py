import numpy as np
import torch

from custom_networks import RandModalityMixd


def brain() -> torch.Tensor:
    image = torch.randn(2, 12, 12, 12)
    image[:, :2] = 0
    return image


def test_channels_become_normed_sums_and_background_stays():
    image = brain()
    mixed = RandModalityMixd("image", prob=1.0, strength=(0.7, 0.0)).set_random_state(0)({"image": image})["image"]
    assert torch.equal(mixed[1], image[1]) and not mixed[:, :2].any()
    design = image.flatten(1).numpy().T
    weights, residual, *_ = np.linalg.lstsq(design, mixed[0].flatten().numpy(), rcond=None)
    assert residual < 1e-6 and np.isclose(np.linalg.norm(weights), 1, atol=1e-5)
    assert 0 < abs(weights[1] / weights[0]) <= 0.7


def test_contrast_of_tissues_changes_both_ways():
    transform = RandModalityMixd("image", prob=1.0).set_random_state(1)
    image = torch.zeros(2, 4, 4, 4)
    image[1, :2], image[1, 2:] = -1.0, 1.0  # gray and white matter, the same on FLAIR
    mixed = [transform({"image": image})["image"] for _ in range(40)]
    contrasts = [float(flair[0].mean() - flair[3].mean()) for flair, _ in mixed]
    assert min(contrasts) < -0.5 and max(contrasts) > 0.5


def test_never_with_probability_0():
    image = brain()
    assert RandModalityMixd("image", prob=0.0)({"image": image})["image"] is image
