"""Augmentation of batches of CT: each change by given parameters, and random ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from custom_networks.transforms.augmentation.rand_ct_batch import (
    KNOTS,
    CtChange,
    RandCtBatch,
    apply_ct_change,
    apply_ct_changes,
)

PLAIN = CtChange(np.eye(3), None, np.array(KNOTS), (0.0, 0.0, 0.0), 0.0, None, 1.0, 0.0, 0.0, 1.0, 0.0)


def block() -> tuple[torch.Tensor, torch.Tensor]:
    """A bright block on one side, whose place the label tells."""
    image, label = torch.full((1, 24, 24, 24), 0.05), torch.zeros(2, 24, 24, 24)
    image[:, 3:9, 8:14, 10:20] = 0.6
    label[0, 3:9, 8:14, 10:20] = 1
    return image, label


def change(**options) -> tuple[torch.Tensor, torch.Tensor]:
    return apply_ct_change(*block(), replace(PLAIN, **options), torch.Generator().manual_seed(0))


def test_nothing_changes_nothing():
    image, label = change()
    assert torch.equal(image, block()[0]) and torch.equal(label, block()[1])


def test_mirror_swaps_left_and_right():
    image, label = change(matrix=np.diag([-1.0, 1, 1]))
    np.testing.assert_allclose(image, block()[0].flip(1), atol=1e-5)
    assert torch.equal(label, block()[1].flip(1))


@pytest.mark.parametrize("axis", range(3))
def test_scale_and_bend_act_on_the_axis_they_name(axis):
    scales = np.ones(3)
    scales[axis] = 0.8  # a grid a fifth smaller shows everything a quarter longer
    points = torch.nonzero(change(matrix=np.diag(scales))[1][0])
    lengths = (points.max(0).values - points.min(0).values + 1).numpy()
    before = np.array([6, 6, 10])
    assert lengths[axis] > 1.15 * before[axis] and np.delete(lengths, axis).tolist() == np.delete(before, axis).tolist()
    bend = np.zeros((3, 4, 4, 4))
    bend[axis] = 2.0
    moved = torch.nonzero(change(bend=bend)[1][0]).double().mean(0) - torch.nonzero(block()[1][0]).double().mean(0)
    expected = np.zeros(3)
    expected[axis] = -2.0
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_labels_follow_the_image():
    image, label = change(matrix=np.array([[0.98, -0.2, 0], [0.2, 0.98, 0], [0, 0, 0.9]]))
    assert ((image[0] > 0.33) == (label[0] > 0)).float().mean() > 0.995


def test_contrast_maps_between_knots():
    values = np.array(KNOTS)
    values[6] = 0.9  # 700 HU become 900, so 600 HU, three quarters of the way from 300, become 750
    image, _ = change(knots=values)
    assert image[0, 5, 10, 12].item() == pytest.approx(0.75, abs=1e-5) and image[0, 20, 20, 20].item() == pytest.approx(
        0.05, abs=1e-5
    )


def test_noise_has_its_strength():
    image, _ = change(noise=0.1, grain=0.6)
    assert (image - block()[0]).std().item() == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("axis", range(3))
def test_thick_slices_are_constant_within(axis):
    stripes = torch.zeros(1, 24, 24, 24)
    stripes.select(axis + 1, 10).fill_(1.0)
    image, _ = apply_ct_change(
        stripes, torch.zeros(2, 24, 24, 24), replace(PLAIN, thick_axis=axis, thickness=3.0), torch.Generator()
    )
    assert image.max() < 0.5 and image.sum() == pytest.approx(float(stripes.sum()), rel=0.05)


def test_blur_lowers_and_sharpening_raises_edges():
    assert change(blur=(1.0, 1.0, 1.0))[0].max() < 0.6 - 1e-3
    assert change(sharpen=1.0)[0].max() > 0.65


def test_gain_and_offset_are_applied():
    assert change(gain=1.05, offset=-0.02)[0][0, 20, 20, 20].item() == pytest.approx(0.05 * 1.05 - 0.02, abs=1e-6)


def test_equal_seeds_give_equal_batches_of_different_patches():
    image, label = (torch.stack([part] * 6) for part in block())
    results = []
    for _ in range(2):
        np.random.seed(3)
        results.append(RandCtBatch()(image, label))
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])
    changed = results[0][0]
    assert changed.shape == image.shape and not torch.equal(changed[0], changed[1])
    assert changed.min() >= -1 and changed.max() <= 2 and set(results[0][1].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("label_map", [False, True])
def test_a_batch_is_changed_as_its_patches_are_one_by_one(label_map):
    image, label = torch.rand(12, 1, 16, 18, 20), (torch.rand(12, 1 if label_map else 2, 16, 18, 20) > 0.5).float()
    augment = RandCtBatch(label_map=label_map).set_random_state(seed=5)
    changes = augment.randomize(image)
    together = apply_ct_changes(image, label, changes, torch.Generator().manual_seed(1), label_map)
    generator = torch.Generator().manual_seed(1)
    single = [apply_ct_change(*pair, generator, label_map) for pair in zip(image, label, changes, strict=True)]
    np.testing.assert_allclose(together[0], torch.stack([pair[0] for pair in single]), atol=1e-5)
    assert torch.equal(together[1], torch.stack([pair[1] for pair in single]))
