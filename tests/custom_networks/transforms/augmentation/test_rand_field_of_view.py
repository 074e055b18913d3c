"""Fields of view around one vertebra."""

import numpy as np
import pytest
import torch

from custom_networks.transforms.augmentation.rand_field_of_view import RandFieldOfViewd

KEYS = ["image", "label"]


def scan() -> dict:
    """One vertebra at 10-16, 20-26, 30-36 in a scan whose image tells every voxel from every other."""
    labels = np.zeros((1, 40, 50, 60), np.int64)
    labels[0, 10:16, 20:26, 30:36] = 22
    labels[0, 0, 0, 0] = 27  # no vertebra
    return {"image": torch.arange(labels.size).reshape(labels.shape), "label": torch.from_numpy(labels)}


@pytest.mark.parametrize(
    ("across", "along", "field"),
    [
        ((4.0, 4.0), (8.0, 8.0), np.s_[:, 8:18, 18:28, 26:40]),
        ((0.0, 0.0), (-4.0, -4.0), np.s_[:, 10:16, 20:26, 32:34]),
        ((99.0, 99.0), (-99.0, -99.0), np.s_[:, :, :, 32:34]),
    ],
)
def test_field_lies_at_the_margins(across, along, field):
    data = scan()
    cut = RandFieldOfViewd(KEYS, prob=1.0, side_prob=1.0, across=across, along=along, spacing=2.0)(data)
    for key in KEYS:
        assert torch.equal(cut[key], data[key][field])


def test_sides_may_stay():
    cut = RandFieldOfViewd(KEYS, prob=1.0, side_prob=0.0)(scan())
    assert cut["image"].shape == (1, 40, 50, 60)


def test_the_vertebra_stays_in_part():
    transform = RandFieldOfViewd(KEYS, prob=1.0)
    transform.set_random_state(0)
    for _ in range(50):
        cut = transform(scan())
        assert (cut["label"] == 22).any() and cut["image"].shape == cut["label"].shape


@pytest.mark.parametrize("thickness", range(1, 9))
def test_field_of_a_thin_vertebra_is_not_empty(thickness):
    """As on grids of 4 mm: of four voxels two from either side left none."""
    data = scan()
    data["label"][:, :, :, 30 + thickness : 36] = 0
    data["label"][:, :, :, 36 : 30 + thickness] = 22
    cut = RandFieldOfViewd(KEYS, prob=1.0, side_prob=1.0, along=(-99.0, -99.0))(data)
    assert cut["image"].numel() and (cut["label"] == 22).any()


def test_scan_without_vertebrae_and_prob_of_zero_change_nothing():
    data = scan()
    assert RandFieldOfViewd(KEYS, prob=0.0)(data)["image"] is data["image"]
    data["label"][data["label"] == 22] = 27
    assert RandFieldOfViewd(KEYS, prob=1.0)(data)["image"] is data["image"]
