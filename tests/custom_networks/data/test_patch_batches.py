import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from nibabel.affines import from_matvec

from custom_networks import PatchBatches
from custom_networks.data.lesion_shapes import LesionMap
from custom_networks.data.patch_batches import apply_places, near_mni, sample

AFFINE = np.array([[1.0, 0, 0, -20], [0, 1.0, 0, -38], [0, 0, 1.0, -7], [0, 0, 0, 1]])
STILL = {"rotate": 0.0, "scale": 0.0, "shift": 0.0, "bend": 0.0, "flip": False}
SHAPE = (40, 44, 30)


def entry(_) -> dict:
    """An image that holds its own places in mm, in a brain that is not the whole grid, with one voxel of lesion."""
    axes = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))
    places = torch.from_numpy(np.einsum("ij,jxyz->ixyz", AFFINE[:3, :3], axes) + AFFINE[:3, 3][:, None, None, None]).float()
    brain, label = torch.zeros(1, *SHAPE), torch.zeros(1, *SHAPE)
    brain[:, 4:36, 5:39, 3:27] = 1
    label[0, 20, 22, 15] = 1
    return {"image": MetaTensor(places * brain, affine=AFFINE), "label": label, "brain": brain}


def batches(**settings) -> PatchBatches:
    np.random.seed(7)
    torch.manual_seed(7)
    return PatchBatches([{}], entry, 9, 4, 2, **settings)


def test_a_patch_that_is_not_moved_is_a_crop_around_the_lesion():
    for batch in batches(foreground=1.0, **STILL):
        expected = entry({})["image"].as_tensor()[:, 16:25, 18:27, 11:20]
        for item in range(4):
            torch.testing.assert_close(batch["image"][item], expected, atol=0.02, rtol=0)  # kept in half precision
            assert batch["label"][item, 0, 4, 4, 4] == 1 and batch["label"][item].sum() == 1


def test_what_is_turned_scaled_bent_and_mirrored_still_lies_where_place_says():
    made = batches(foreground=1.0, bend=0.0, shift=2.0)
    for batch in made:
        places = apply_places(batch["place"], (9, 9, 9)).movedim(-1, 1)
        inside = batch["brain"].expand_as(places) > 0
        assert inside.float().mean() > 0.8
        torch.testing.assert_close(batch["image"][inside], places[inside], atol=0.6, rtol=0)


def test_equal_seeds_equal_batches_and_others_differ():
    first = list(batches())
    again = list(batches())
    assert len(first) == len(batches()) == 2
    torch.testing.assert_close(first[1]["image"], again[1]["image"], rtol=0, atol=0)
    assert not torch.equal(first[0]["image"], first[1]["image"])


def test_scans_are_drawn_by_weight():
    made = PatchBatches([{"weight": 0.0}, {"weight": 1.0}], entry, 5, 8, 1, **STILL)
    made.scans = [made._load({}), made._load({})]
    made.scans[1]["volume"][:3] += 100
    assert bool((next(iter(made))["image"].flatten(1).max(1).values > 40).all())


def test_a_scan_that_comes_late_is_drawn_after_its_share_of_the_epochs():
    made = PatchBatches([{}, {"after": 0.8}], entry, 5, 8, 1, **STILL)
    made.scans = [made._load({}), made._load({})]
    made.scans[1]["volume"][:3] += 100
    late = []
    for epoch in (1, 8, 9, 10):
        made.set_epoch(epoch, 10)
        late.append(bool((next(iter(made))["image"].flatten(1).max(1).values > 40).any()))
    assert late == [False, False, True, True]


def test_patches_of_a_scan_without_lesions_lie_where_patients_have_them():
    def healthy(_):
        return entry({}) | {"label": torch.zeros(1, *SHAPE)}

    def lesion(*voxel):
        return LesionMap(np.ones((1, 1, 1), np.float32), AFFINE @ from_matvec(np.eye(3), voxel))

    made = PatchBatches([{}], healthy, 3, 4, 1, foreground=1.0, maps=[lesion(10, 20, 12), lesion(0, 0, 0)], **STILL)
    expected = entry({})["image"].as_tensor()[:, 9:12, 19:22, 11:14]  # the other lies outside the brain
    torch.testing.assert_close(next(iter(made))["image"][0], expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("patch", [(3, 3, 3), (2, 4, 3)])
def test_sample_is_linear_but_for_the_label_and_zero_outside(patch):
    volume = torch.zeros(2, 4, 5, 6)
    volume[0, 1, 2, 3], volume[1, 1, 2, 3] = 8, 1
    half = torch.zeros(1, *patch, 3) + torch.tensor([1.25, 2.0, 3.0])
    assert torch.allclose(sample(volume, half)[0, 0], torch.tensor(6.0)) and bool((sample(volume, half)[0, 1] == 1).all())
    assert not sample(volume, half + 40).any()


@pytest.mark.parametrize("middle", [(2.0, 3.0, 3.0), (-0.6, 4.4, 6.3), (-30.0, 2.0, 2.0), (2.0, 2.0, 40.0)])
def test_what_is_cut_from_a_part_of_a_scan_is_what_the_whole_scan_gives(middle):
    volume = torch.rand(2, 6, 7, 8, generator=torch.manual_seed(3))
    coordinates = torch.rand(2, 3, 4, 5, 3) * 4 - 2 + torch.tensor(middle)
    padded, places = torch.nn.functional.pad(volume, [60] * 6), coordinates.flatten(0, -2).numpy()
    cut = sample(volume, coordinates, places.min(0), places.max(0))
    torch.testing.assert_close(cut, sample(padded, coordinates + 60), atol=1e-4, rtol=0)
    torch.testing.assert_close(cut, sample(volume, coordinates), atol=1e-4, rtol=0)


def test_what_is_bent_lies_in_the_part_of_the_scan_that_is_sampled():
    made = batches(bend=3.0)
    made.scans, made.R = [made._load({})], np.random.RandomState(0)
    matrices = np.stack([made._draw(made.scans[0]) for _ in range(40)])
    coordinates = made._coordinates(torch.tensor(matrices, dtype=torch.float32)).flatten(1, -2).numpy()
    for matrix, places in zip(matrices, coordinates, strict=True):
        low, high = made._limits(matrix[None])
        assert (places.min(0) >= low - 1e-3).all() and (places.max(0) <= high + 1e-3).all()
        assert (high - low <= 2 * 4 * 3.0 + np.sqrt(3) * 9 * 1.3).all()  # and that is not the whole scan


def test_a_scan_of_another_space_is_moved_to_the_middle_of_mni():
    places = np.array([[10, 10, 10], [150, 180, 140]])
    middle = np.array([80.0, 95.0, 75.0])
    moved = near_mni(np.eye(4), places)
    np.testing.assert_allclose(moved[:3, :3] @ middle + moved[:3, 3], [0, -18, 5])
    close = np.eye(4)
    close[:3, 3] = [-80, -110, -72]
    assert near_mni(close, places) is close
