"""Spoiled images and their labels."""

import numpy as np
import pytest

from tools.synthesis.damage import DAMAGES, damage

MOVES = {"crop", "rotation", "shuffle"}


@pytest.fixture(scope="module")
def case():
    label = np.zeros((40, 50, 3), np.int16)
    label[10:25, 15:35, 1:] = 2
    return label * 30.0 + 100, label


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_damage_changes_the_image_and_moves_the_label_with_it(case, kind):
    image, label = case
    name, (images, moved) = damage([image, image + 1], label, np.random.default_rng(5), kind)
    assert name == kind and [i.shape for i in images] == [image.shape] * 2 and moved.shape == label.shape
    assert all(i.dtype == np.float32 and np.isfinite(i).all() for i in images)
    assert np.abs(images[0] - image).max() > 1 and set(np.unique(moved)) <= {0, 2}
    assert (moved == label).all() != (kind in MOVES)
    np.testing.assert_array_equal(case[1], label)


def test_one_seed_one_damage_and_pictures_too(case):
    image, label = case[0][..., 1], case[1][..., 1]
    first, second = (damage([image], label, np.random.default_rng(3)) for _ in range(2))
    assert first[0] == second[0] and np.array_equal(first[1][0][0], second[1][0][0])
    assert {damage([image], label, np.random.default_rng(seed))[0] for seed in range(60)} == set(DAMAGES)


def test_what_is_rotated_stays_on_its_structure(case):
    image, label = case
    _, (images, moved) = damage([image], label, np.random.default_rng(1), "rotation")
    assert images[0][moved == 2].mean() > 150 and moved.any()


def test_nothing_is_left_in_a_shuffled_image(case):
    assert not damage([case[0]], case[1], np.random.default_rng(1), "shuffle")[1][1].any()
