"""Pieces of lungs."""

import pytest
import torch

from custom_networks import KeepLungPiecesd


@pytest.fixture
def film():
    """A right lung of which a clavicle parts the apex, with stray pieces; first axis columns."""
    label = torch.zeros(1, 200, 200, 1)
    label[0, 40:80, 60:160] = 1
    label[0, 50:70, 40:50] = 1  # the apex
    label[0, 20:90, 50:60] = 4  # the clavicle
    label[0, 120:160, 60:160] = 2
    return label


def keep(label):
    return KeepLungPiecesd("pred")({"pred": label.clone()})["pred"]


def test_an_apex_beyond_the_clavicle_stays(film):
    assert torch.equal(keep(film), film)


@pytest.mark.parametrize(
    "where",
    [
        (slice(5, 15), slice(52, 58)),
        (slice(50, 60), slice(5, 20)),
        (slice(50, 60), slice(170, 190)),
        (slice(130, 140), slice(10, 30)),
    ],
    ids=["shoulder beside the clavicle", "neck", "abdomen", "other side"],
)
def test_stray_pieces_go(film, where):
    stray = film.clone()
    stray[(0, *where)] = 1
    assert torch.equal(keep(stray), film)


def test_a_second_piece_without_a_clavicle_goes(film):
    film[film == 4] = 0
    assert keep(film)[0, 50:70, 40:50].sum() == 0


def test_a_film_without_lungs_is_left_alone():
    assert keep(torch.zeros(1, 10, 10)).sum() == 0
