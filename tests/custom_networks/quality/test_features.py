"""Measures of results, by hand."""

import math

import numpy as np
import pytest
import torch

from custom_networks.quality.features import (
    agreement,
    appearance,
    distance,
    extent,
    instance_sureness,
    shape,
    sureness,
    to_probabilities,
)


def test_probabilities_of_one_channel_and_of_several():
    one = to_probabilities(torch.tensor([[[0.0, math.log(3)]]]))
    torch.testing.assert_close(one, torch.tensor([[[0.5, 0.25]], [[0.5, 0.75]]]))
    torch.testing.assert_close(to_probabilities(torch.zeros(4, 2)), torch.full((4, 2), 0.25))


def test_sureness_is_the_dice_that_is_to_be_expected():
    probabilities = torch.tensor([[[0.1, 0.2, 1.0]], [[0.9, 0.3, 0.0]], [[0.0, 0.5, 0.0]]])
    together, worst = sureness(probabilities, torch.tensor([[1, 2, 0]]))
    assert together == pytest.approx((2 * 0.9 + 2 * 0.5) / (1.2 + 1 + 0.5 + 1)) and worst == pytest.approx(2 * 0.5 / (0.5 + 1))
    assert sureness(probabilities, torch.zeros(1, 3)) == (0.0, 0.0)
    assert sureness(probabilities, torch.tensor([[1, 0, 0]]))[1] == 0.0  # a structure that was not found


def test_sureness_of_instances_counts_their_margins():
    owner = torch.tensor([1, 1, 1, 2, 0])
    probability = torch.tensor([1.0, 0.6, 0.2, 1.0, 0.4])
    assert instance_sureness(owner, probability) == pytest.approx([2 * 1.6 / (1.8 + 2), 1.0])
    assert instance_sureness(torch.zeros(3), torch.zeros(3)) == []


def test_agreement_of_empty_masks_is_whole():
    first, second = torch.tensor([1, 1, 0, 0]), torch.tensor([1, 0, 0, 2])
    assert agreement(first, second, 3) == pytest.approx((2 / 4, 0.0))
    assert agreement(first, first, 3) == agreement(0 * first, 0 * first, 3) == (1.0, 1.0)


def test_shape_of_pictures_and_of_volumes():
    mask = torch.zeros(10, 20, dtype=torch.long)
    mask[2:4, 5:15] = 1
    np.testing.assert_allclose(shape(mask, 2), [math.log(0.1), 0.25, 0.475, 0.1, 0.45], atol=1e-6)
    np.testing.assert_allclose(shape(mask, 3)[5:], [math.log(1e-6), 0, 0, 0, 0])
    volume = torch.zeros(10, 20, 4, dtype=torch.long)
    volume[2:4, 5:15, 1:3] = 1
    np.testing.assert_allclose(shape(volume, 2, pixel=0.5), [math.log(10)], atol=1e-6)


def test_appearance_is_percentiles_and_sharpness_and_distance_is_in_deviations():
    ramp = torch.linspace(0, 1, 101)[:, None].expand(101, 7)
    found = appearance(ramp)
    np.testing.assert_allclose(found[:5], [0.05, 0.25, 0.5, 0.75, 0.95], atol=1e-6)
    assert found[5] == pytest.approx(math.log(0.005 / np.std(np.linspace(0, 1, 101))), abs=1e-3)
    assert np.isfinite(appearance(torch.zeros(4, 4))).all() and np.isfinite(appearance(torch.zeros(1, 1))).all()
    usual = {"mean": [0.0, 1.0], "deviation": [1.0, 2.0]}
    assert distance(np.array([0.0, 1.0]), usual) == 0
    assert distance(np.array([0.0, 7.0]), usual) == pytest.approx(math.log1p(math.sqrt((0 + 9 + 9) / 3)))


def test_gray_values_without_a_unit_are_compared_by_their_order():
    image = torch.rand(30, 20, 4) ** 2
    plain, scaled = (appearance(one, relative=True) for one in (image, 700 * image + 40))
    np.testing.assert_allclose(plain, scaled, atol=1e-4)
    assert plain[2] == pytest.approx(0, abs=1e-6) and plain[4] - plain[0] == pytest.approx(1, abs=1e-5)
    assert np.isfinite(appearance(torch.zeros(30, 20, 4), relative=True)).all()


def test_size_and_form_of_what_a_volume_shows():
    x, y, z = torch.meshgrid(torch.arange(100), torch.arange(80), torch.arange(30), indexing="ij")
    ball = (((x - 50) / 40) ** 2 + ((y - 40) / 30) ** 2 + ((z - 15) / 10) ** 2 <= 1).float() * 3
    volume, *lengths, filled, border = extent(ball, (1.0, 1.0, 3.0))
    assert math.exp(volume) == pytest.approx(4 / 3 * math.pi * 40 * 30 * 30 / 1000, rel=0.02)  # ml
    assert np.exp(lengths) == pytest.approx((73, 55, 57), rel=0.06)  # of 80, 60 and 60 mm, without the outermost hundredths
    assert filled == pytest.approx(math.pi / 6 / 0.9**3, rel=0.1) and border == 0
    assert extent(torch.ones(10, 10, 10), (1.0, 1.0, 1.0)).tolist() == pytest.approx([0, *[math.log(10)] * 3, 1, 6])
    assert extent(ball[:50], (1.0, 1.0, 3.0))[-1] > 0.5  # cut through the middle
    assert not extent(torch.zeros(4, 4, 4), (1.0, 1.0, 1.0)).any()
