"""Maps of whole batches."""

import math

import pytest
import torch

from custom_networks import AugmentBatch, RandWarp


def squares(count=4, side=32):
    """Pictures with a bright square on the low side of the first axis, labelled 1, and one on its high side, labelled 2."""
    image, label = torch.zeros(count, 1, side, side), torch.zeros(count, 1, side, side, dtype=torch.long)
    image[..., 4:10, 12:20], label[..., 4:10, 12:20] = 1.0, 1
    image[..., 22:28, 12:20], label[..., 22:28, 12:20] = 2.0, 2
    return image, label


def still(warp, image, label, mirror=False, matrix=None, centre=(0.0, 0.0)):
    """Apply a warp by a given map."""
    count = len(image)
    matrices = (torch.eye(2) if matrix is None else matrix).expand(count, 2, 2)
    return warp.apply(image, label, matrices, torch.tensor([centre] * count), torch.full((count,), mirror))


def test_no_map_changes_nothing():
    image, label = squares()
    moved, labels = still(RandWarp(None, 3), image, label)
    assert torch.allclose(moved, image, atol=1e-5)
    assert torch.equal(labels, label)


def test_mirrored_squares_change_sides_and_names():
    image, label = squares()
    moved, labels = still(RandWarp(None, 3, names=["right half", "left half"]), image, label, mirror=True)
    assert torch.allclose(moved, image.flip(2), atol=1e-5)
    assert torch.equal(labels, torch.tensor([0, 2, 1])[label.flip(2)])


def test_labels_beyond_the_names_change_as_they_are_told():
    image, label = squares()
    warp = RandWarp(None, 5, names=["right half", "left half"], mirrored={"3": 4, "4": 3})
    _, labels = still(warp, image, label + 2 * (label > 0), mirror=True)
    assert torch.equal(labels.unique(), torch.tensor([0, 3, 4]))
    assert labels[0, 0, 5, 15] == 3  # what lay on the high side, 4, under its partner's label


def test_a_quarter_turn_moves_pixels_as_it_should():
    image, label = squares()
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    moved, labels = still(RandWarp(None, 3), image, label, matrix=turn)
    assert torch.allclose(moved, torch.rot90(image, 1, (2, 3)), atol=1e-4) or torch.allclose(
        moved, torch.rot90(image, -1, (2, 3)), atol=1e-4
    )
    assert (labels == 2).sum() == (label == 2).sum()


def test_a_window_is_cut_where_it_is_asked_for():
    image, label = squares()
    moved, labels = still(RandWarp((8, 8), 3), image, label, centre=(6.5 - 15.5, 0.0))
    assert torch.allclose(moved, image[..., 3:11, 12:20], atol=1e-5)
    assert torch.equal(labels, label[..., 3:11, 12:20])


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_windows_lie_around_labels_or_anywhere(share):
    image, label = squares(count=64)
    _, labels = RandWarp((8, 8), 3, around_label=share)(image, label)
    assert bool((labels > 0).flatten(1).any(1).all()) == (share == 1.0)


def test_windows_around_labels_pass_over_labels_that_are_no_class():
    image, label = squares(count=64)
    label[label == 0] = 3  # everything else
    warp = RandWarp((4, 4), 4, names=["right half", "left half"], mirrored={"3": 3}, around_label=1.0)
    _, labels = warp(image, label)
    assert ((labels == 1) | (labels == 2)).flatten(1).any(1).all()


def test_areas_grow_with_the_square_of_the_scale():
    image, label = squares(count=8, side=96)
    _, labels = RandWarp(None, 3, scale=(1.5, 1.5))(image.roll(30, 3), label.roll(30, 3))
    assert (labels == 2).sum() / (label == 2).sum() == pytest.approx(2.25, abs=0.15)


def test_equal_seeds_give_equal_batches():
    image, label = squares()
    warp = RandWarp(None, 3, rotate=math.pi, shear=0.2, scale=(0.5, 2.0), uneven=0.3, translate=5, elastic=3, cell=8)
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(warp(image, label))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert not torch.equal(results[0][0][0], results[0][0][1])


def test_padding_that_is_none_is_refused():
    with pytest.raises(ValueError, match="border or zeros"):
        RandWarp(None, 2, padding="reflect")


def test_a_batch_goes_through_all_transforms_in_order():
    batch = {"image": torch.ones(2, 1, 4, 4), "label": torch.ones(2, 1, 4, 4, dtype=torch.uint8)}
    augment = AugmentBatch([lambda image, label: (image + 1, label), lambda image, label: (image * 3, label * 2)])
    image, label = augment(batch, torch.device("cpu"))
    assert image.unique().tolist() == [6.0] and image.dtype == torch.float32
    assert label.unique().tolist() == [2] and label.dtype == torch.long
