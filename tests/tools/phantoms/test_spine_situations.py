"""Situations that are derived from whole phantoms."""

from dataclasses import replace

import numpy as np
import pytest

from custom_networks.errors import UserError
from tools.phantoms import spine_situations
from tools.phantoms.spine import SpinePhantom

AFFINE = np.array([[2.0, 0, 0, -20], [0, 2, 0, -18], [0, 0, 2, -31], [0, 0, 0, 1]])


@pytest.fixture
def small(monkeypatch):
    """A phantom of 20x18x31 voxels of 2 mm, one vertebra 6 mm high in it."""
    label = np.zeros((20, 18, 31), np.uint8)
    label[8:14, 6:12, 15:18] = 20
    image = np.where(label > 0, 400, 40).astype(np.int16)
    monkeypatch.setattr(spine_situations, "make_spine_phantom", lambda *a, **k: SpinePhantom(image, label, AFFINE, "abdomen"))
    return image, label


def make(name: str) -> SpinePhantom:
    return spine_situations.make_situation(name, 0)


def test_four_of_each_that_can_be_numbered_are_sixty():
    assert 4 * sum(situation.countable for situation in spine_situations.SITUATIONS.values()) == 60


def test_thick_slices_lie_where_those_lay_that_they_average(small):
    phantom = make("slices of 6 mm")
    assert phantom.image.shape == phantom.label.shape == (20, 18, 10)
    assert np.linalg.norm(phantom.affine[:3, :3], axis=0).tolist() == [2, 2, 6]
    assert np.argwhere(phantom.label)[:, 2].tolist() == [5] * 36 and (phantom.image[phantom.label > 0] == 400).all()
    assert (phantom.affine @ [0, 0, 5, 1])[2] == (AFFINE @ [0, 0, 16, 1])[2]


def test_low_dose_is_noise_alone(small):
    image, label = small
    phantom = make("low dose")
    assert np.array_equal(phantom.label, label) and phantom.image.dtype == np.int16
    assert 75 < (phantom.image.astype(float) - image).std() < 125


def test_off_centre_spine_lies_at_the_side(small):
    phantom = make("off centre")
    assert phantom.image.shape == (10, 18, 31) and np.argwhere(phantom.label)[:, 0].min() == 0


def test_one_vertebra_fills_the_height_of_its_scan(monkeypatch):
    label = np.zeros((9, 9, 120), np.uint8)
    for level in range(8, 24):
        label[3:6, 3:6, 6 * (24 - level) : 6 * (24 - level) + 3] = level
    monkeypatch.setattr(
        spine_situations, "make_spine_phantom", lambda *a: SpinePhantom(label.astype(np.int16), label, AFFINE, "spine")
    )
    levels = set()
    for copy in range(4):
        phantom = spine_situations.make_situation("one vertebra", copy)
        assert (
            phantom.label.shape == (9, 9, 9) and phantom.label[4, 4].astype(bool).tolist() == [False] * 3 + [True] * 3 + [False] * 3
        )
        levels |= set(np.unique(phantom.label)) - {0}
    assert len(levels) > 1


def test_phantoms_of_the_kind_situations_are_each_one_of_them_and_others_a_part_of_the_spine(monkeypatch):
    asked = []
    for name, situation in spine_situations.SITUATIONS.items():
        monkeypatch.setitem(
            spine_situations.SITUATIONS, name, replace(situation, make=lambda random, name=name: asked.append(name) or name)
        )
    monkeypatch.setattr(spine_situations, "make_spine_phantom", lambda random, kind: asked.append(f"part {kind}"))
    drawn = [spine_situations.make_spine_of_kind(np.random.default_rng([5, case]), "situations") for case in range(200)]
    assert drawn == asked and set(drawn) == set(spine_situations.SITUATIONS)
    spine_situations.make_spine_of_kind(np.random.default_rng(5), "lumbar")
    assert asked[-1] == "part lumbar"
    with pytest.raises(UserError, match=r"no such kind of spines.*lumbar.*situations"):
        spine_situations.make_spine_of_kind(np.random.default_rng(5), "situation")
