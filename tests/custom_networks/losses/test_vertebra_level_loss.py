"""The loss by hand."""

import math

import pytest
import torch

from custom_networks.losses.vertebra_level_loss import VertebraLevelLoss
from custom_networks.vertebrae.identified import COUNT
from custom_networks.vertebrae.kinds import KINDS, UNKNOWN

FAR = 50.0


def answer(number: int, kind: int) -> torch.Tensor:
    logits = torch.zeros(1, 1, COUNT + len(KINDS))
    logits[..., number - 1], logits[..., COUNT + kind] = FAR, FAR
    return logits


def test_a_right_answer_costs_nothing_and_no_idea_the_logarithm_of_the_choices():
    loss = VertebraLevelLoss(smoothing=0)
    assert float(loss(answer(20, 7), torch.tensor([[[20, 7]]]))) == pytest.approx(0)
    assert float(loss(answer(20, 7), torch.tensor([[[21, 7]]]))) == pytest.approx(FAR)
    nothing = torch.zeros(1, 1, COUNT + len(KINDS))
    assert float(loss(nothing, torch.tensor([[[20, 7]]]))) == pytest.approx(math.log(COUNT) + math.log(len(KINDS)))
    assert float(VertebraLevelLoss(kind=0.5)(nothing, torch.tensor([[[0, 7]]]))) == pytest.approx(0.5 * math.log(len(KINDS)))


def test_numbers_and_kinds_count_where_they_are_known():
    loss = VertebraLevelLoss(smoothing=0)
    two = torch.cat([answer(20, 7), answer(3, 2)], 1)
    assert float(loss(two, torch.tensor([[[20, UNKNOWN], [0, 2]]]))) == pytest.approx(0)
    logits = two.clone().requires_grad_()
    loss(logits, torch.tensor([[[0, UNKNOWN], [0, UNKNOWN]]])).backward()
    assert torch.equal(logits.grad, torch.zeros_like(logits))
