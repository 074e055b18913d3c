"""What augments batches changes what it shall and nothing else; the deterministic parts by their values."""

import numpy as np
import pytest
import torch

from custom_networks import (
    BatchBiasAndGamma,
    BatchEdge,
    BatchLesions,
    BatchNoise,
    BatchOnlyFirst,
    BatchRescale,
    BatchResolution,
    BatchTissueShift,
)
from custom_networks.data.lesion_shapes import LesionMap
from custom_networks.transforms.augmentation.volumes.artefacts import blobs, outside_lesions, tissue_shift
from custom_networks.transforms.augmentation.volumes.fields import blur, smooth_field
from custom_networks.transforms.augmentation.volumes.lesions import nearest_lesions, paint_batch
from custom_networks.transforms.augmentation.volumes.scanners import SPREAD, bias_and_gamma, thick_slices

SIDE = 16
ALL = [BatchTissueShift, BatchEdge, BatchResolution, BatchBiasAndGamma, BatchNoise, BatchRescale]


def batch(count: int = 4) -> dict:
    """White matter (T1 1) with a slab of gray matter (T1 -1), a lesion, and air in the last three slices."""
    torch.manual_seed(0)
    brain, label = torch.ones(count, 1, SIDE, SIDE, SIDE), torch.zeros(count, 1, SIDE, SIDE, SIDE)
    brain[:, :, 13:], label[:, :, 4:7, 4:7, 4:7] = 0, 1
    image = torch.stack([torch.zeros(count, SIDE, SIDE, SIDE), torch.ones(count, SIDE, SIDE, SIDE)], 1)
    image[:, 1, :, :, 12:] = -1
    image[:, 0] += 2 * label[:, 0]
    place = torch.eye(3, 4).repeat(count, 1, 1)
    return {"image": image * brain, "label": label, "brain": brain, "place": place}


@pytest.mark.parametrize("kind", ALL)
def test_a_probability_of_zero_changes_nothing(kind):
    given = batch()
    assert torch.equal(kind(prob=0.0)(given)["image"], given["image"])


@pytest.mark.parametrize("kind", ALL)
def test_equal_seeds_equal_images_and_labels_stay(kind):
    results = []
    for _ in range(2):
        given, transform = batch(), kind(prob=1.0)
        transform.set_random_state(3)
        results.append(transform(given))
        assert torch.equal(given["image"], batch()["image"])  # the given one is left alone
    assert torch.equal(results[0]["image"], results[1]["image"]) and torch.equal(results[0]["label"], batch()["label"])
    assert not torch.equal(results[0]["image"], batch()["image"]) and bool(torch.isfinite(results[0]["image"]).all())


def test_lesions_are_painted_where_white_matter_is():
    given = batch(1)
    wanted = torch.zeros_like(given["label"], dtype=torch.bool)
    wanted[:, :, 6:, 2:12, 9:15] = True
    painted = paint_batch(given, wanted, torch.tensor([1.5, -1.0]).reshape(1, 2, 1, 1, 1))
    new = (painted["label"] - given["label"])[0, 0]
    assert new[7:12, 3:11, 9:11].all() and not new[:, :, 12:].any() and not new[13:].any()
    middle = painted["image"][0, :, 9, 7, 10]
    assert 0.85 < float(middle[0]) <= 1.5 and 0.0 <= float(middle[1]) < 0.45
    assert not painted["image"][0, :, 13:].any()


def test_lesions_reach_the_wall_of_a_ventricle_but_neither_fluid_nor_gray_matter():
    given = batch(1)
    given["image"][:, 1, :10, :, :12] = torch.tensor([-3.0] * 6 + [-1.0] + [1.0] * 3)[
        None, :, None, None
    ]  # fluid, both, white matter
    given["image"][:, 0, :7, :, :12] = -2
    given["label"][:] = 0
    contrast = torch.tensor([1.5, -1.0]).reshape(1, 2, 1, 1, 1)
    painted = paint_batch(given, torch.ones_like(given["label"], dtype=torch.bool), contrast)
    label, flair = painted["label"][0, 0], painted["image"][0, 0]
    assert not label[:5].any() and label[6, 2:10, 2:10].all() and not label[10:, :, 13:].any()
    assert float(flair[6, 6, 6]) > 0  # no longer fluid's
    flat = paint_batch(given, torch.ones_like(given["label"], dtype=torch.bool), contrast, 0.0)
    assert float(flat["image"][0, 0, 9, 6, 6]) == pytest.approx(1.5, abs=0.2)


def test_lesions_of_a_map_come_where_the_map_has_them():
    share = np.zeros((30, 30, 30), np.float32)
    share[10:18, 10:18, 5:11] = 1
    affine = np.eye(4)
    affine[:3, 3] = -2  # voxel 10 is 8 mm
    transform = BatchLesions([LesionMap(share, affine)], prob=1.0, shift=0.0, scale=0.0)
    transform.set_random_state(0)
    added = transform(batch(8))["label"] - batch(8)["label"]
    counts = added.flatten(1).sum(1)
    assert bool((counts > 0).any()) and bool((counts == 0).any())  # mirrored ones lie on the other side
    there = added[counts > 0][0, 0]
    assert there[8:12, 8:12, 4:8].all() and not there[:7].any() and not there[:, :7].any()


def test_a_patch_gets_from_none_to_all_of_a_patients_lesions():
    share = np.zeros((16, 16, 16), np.float32)
    for x, y in ((0, 8), (8, 0), (8, 8)):
        share[x : x + 4, y : y + 4, 4:8] = 1
    transform = BatchLesions([LesionMap(share, np.eye(4))], prob=1.0, shift=0.0, scale=0.0)
    transform.set_random_state(0)
    given = batch(200)
    label = (transform(given)["label"] - given["label"])[:, 0, :, :, 4:8]
    label = label[label[:, 9:11, 1:3].flatten(1).any(1) | ~label.flatten(1).any(1)]  # not mirrored: mirrored ones lie outside
    found = {tuple(bool(patch[x + 1, y + 1, 1]) for x, y in ((0, 8), (8, 0), (8, 8))) for patch in label}
    assert {(False, True, False), (True, True, True), (True, True, False), (False, True, True), (False, False, False)} <= found


def test_every_voxel_has_the_nearest_lesion():
    share = np.zeros((9, 3, 3), np.float32)
    share[1], share[6] = 0.9, 0.8
    assert nearest_lesions(share)[:, 1, 1].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert not nearest_lesions(share * 0.5).any()


def test_without_maps_nothing_is_painted():
    assert not (BatchLesions([], prob=1.0)(batch())["label"] - batch()["label"]).any()


def test_tissue_shift_is_largest_at_its_centre_and_spares_lesions():
    image = batch(1)["image"]
    number = lambda value: torch.full((1, 1, 1, 1, 1), value)  # noqa: E731
    shift = tissue_shift(image, number(0.8), number(-1.0), number(0.5))
    assert float(shift[0, 0, 1, 1, 14]) == pytest.approx(0.8)
    assert float(shift[0, 0, 1, 1, 1]) == pytest.approx(0.8 * np.exp(-8), abs=1e-5)
    healthy = outside_lesions(batch(1)["label"], batch(1)["brain"])
    assert float(healthy[0, 0, 5, 5, 5]) < 0.1 and float(healthy[0, 0, 10, 10, 10]) == 1 and float(healthy[0, 0, 14, 5, 5]) == 0


def test_only_the_border_of_the_brain_gets_an_edge():
    transform = BatchEdge(prob=1.0)
    transform.set_random_state(1)
    change = (transform(batch())["image"] - batch()["image"]).abs()
    assert change[:, :, 9:13].max() > 0.5 and change[:, :, :3].max() < 1e-3 and not change[:, :, 13:].any()


def test_bias_multiplies_and_gamma_is_a_power():
    image = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 1, 3, 1, 1)
    torch.testing.assert_close(bias_and_gamma(image, torch.ones(1), torch.ones(1)), image)
    expected = ((1 + SPREAD * image) ** 2 - 1) / (2 * SPREAD)
    torch.testing.assert_close(bias_and_gamma(image, torch.ones(1), torch.tensor(2.0)), expected)
    assert float(bias_and_gamma(image, torch.tensor(1.1), torch.ones(1))[0, 0, 1]) == pytest.approx(0.1 / SPREAD, rel=1e-4)


def test_thick_slices_are_means_along_one_axis():
    image = torch.arange(8.0).reshape(1, 1, 1, 1, 8).expand(1, 1, 4, 4, 8)
    thick = thick_slices(image, 4, 4)
    assert thick.shape == image.shape
    torch.testing.assert_close(thick[0, 0, 0, 0], torch.tensor([1.5, 1.5, 2.0, 3.0, 4.0, 5.0, 5.5, 5.5]))
    torch.testing.assert_close(thick_slices(image, 2, 4), image)


def test_blur_keeps_constants_and_sums_and_blobs_rise_over_a_level():
    torch.testing.assert_close(blur(torch.full((1, 2, 5, 6, 7), 3.0), 1.0), torch.full((1, 2, 5, 6, 7), 3.0))
    point = torch.zeros(1, 1, 11, 11, 11)
    point[0, 0, 5, 5, 5] = 1
    blurred = blur(point, 1.0)
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-5) and float(blurred[0, 0, 5, 5, 5]) == pytest.approx(0.0635, abs=0.003)
    image = torch.rand(2, 3, 5, 9, 7)
    weights = np.exp(-0.5 * (np.arange(-5, 6) / 2.0) ** 2)
    padded = torch.nn.functional.pad(image, [5] * 6, mode="replicate")
    for axis in (2, 3, 4):
        size = image.shape[axis]
        padded = sum(float(w) * padded.narrow(axis, step, size) for step, w in enumerate(weights / weights.sum()))
    torch.testing.assert_close(blur(image, 2.0), padded)
    assert smooth_field(point, 3, 2).shape == (1, 2, 11, 11, 11)
    assert blobs(torch.tensor([-9.0, 1.0, 9.0]), torch.tensor(1.0)).tolist() == pytest.approx([0, 0.5, 1])


def test_the_first_channel_alone():
    given = batch()
    alone = BatchOnlyFirst(prob=1.0)(given)["image"]
    assert not alone[:, 1].any() and torch.equal(alone[:, 0], given["image"][:, 0])
    assert torch.equal(BatchOnlyFirst(prob=0.0)(given)["image"], given["image"])
