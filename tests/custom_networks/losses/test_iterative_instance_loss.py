"""The loss by hand."""

import math

import pytest
import torch

from custom_networks.losses.iterative_instance_loss import IterativeInstanceLoss

FAR = 100.0  # a logit whose sigmoid is 1


def make_target(truth, weights=None, complete=-1.0, number=0.0) -> torch.Tensor:
    truth = torch.as_tensor(truth, dtype=torch.float32).reshape(1, 2, 2, 1)
    weights = torch.ones_like(truth) if weights is None else torch.as_tensor(weights).reshape(1, 2, 2, 1)
    return torch.stack([truth, weights, torch.full_like(truth, complete), torch.full_like(truth, number)], dim=1)


def make_input(logits, complete=0.0, number=0.0) -> torch.Tensor:
    logits = torch.as_tensor(logits, dtype=torch.float32).reshape(1, 2, 2, 1)
    return torch.stack([logits, torch.full_like(logits, complete), torch.full_like(logits, number)], dim=1)


def test_right_answer_costs_nothing():
    loss = IterativeInstanceLoss()(make_input([FAR, -FAR, -FAR, FAR], FAR, 7.0), make_target([1, 0, 0, 1], None, 1.0, 7.0))
    assert float(loss) == pytest.approx(0.0, abs=1e-6)


def test_a_missed_voxel_costs_its_weight_and_an_invented_one_a_tenth():
    loss = IterativeInstanceLoss(typical_share=0.25)  # of 4 voxels: the sums are divided by 1
    missed = loss(make_input([-FAR, -FAR, -FAR, -FAR]), make_target([1, 0, 0, 0], [5.0, 1, 1, 1]))
    invented = loss(make_input([-FAR, FAR, -FAR, -FAR]), make_target([0, 0, 0, 0], [1, 3.0, 1, 1]))
    assert float(missed) == pytest.approx(5.0)
    assert float(invented) == pytest.approx(0.3)


def test_completeness_and_label_have_the_value_computed_by_hand():
    loss = IterativeInstanceLoss(completeness=2.0, label=0.1)
    answer = make_input([FAR, -FAR, -FAR, -FAR], 0.0, 10.0)
    value = loss(answer, make_target([1, 0, 0, 0], None, 1.0, 13.0))
    assert float(value) == pytest.approx(2 * math.log(2) + 0.3, abs=1e-5)


def test_empty_patches_do_not_count_for_completeness_and_label():
    loss = IterativeInstanceLoss()
    answer = make_input([-FAR] * 4, 3.0, 20.0)
    assert float(loss(answer, make_target([0] * 4))) == pytest.approx(0.0, abs=1e-6)


def test_cross_entropy_is_weighted_by_voxel():
    loss = IterativeInstanceLoss(false_positive=0.0, typical_share=0.25, cross_entropy=1.0)
    value = loss(make_input([0.0] * 4), make_target([0] * 4, [2.0, 1, 1, 1]))
    assert float(value) == pytest.approx(5 * math.log(2), rel=1e-5)


def test_a_network_without_label_has_no_label_term():
    answer = make_input([FAR, -FAR, -FAR, -FAR])[:, :2]
    value = IterativeInstanceLoss()(answer, make_target([1, 0, 0, 0], None, 1.0, 5.0))
    assert float(value) == pytest.approx(math.log(2), abs=1e-5)
