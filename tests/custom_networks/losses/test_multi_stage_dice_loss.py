import pytest
import torch

from custom_networks import MultiStageDiceLoss


def _logits(label: torch.Tensor, classes: int = 3) -> torch.Tensor:
    return 40.0 * torch.nn.functional.one_hot(label[:, 0], classes).permute(0, 3, 1, 2).float()


LABEL = torch.tensor([[[[0, 1, 1], [2, 2, 0]]]])
NOWHERE = torch.tensor([[[[1, 2, 0], [0, 0, 2]]]])


def test_perfect_stages_lose_nothing():
    assert MultiStageDiceLoss()((_logits(LABEL), _logits(LABEL)), LABEL) == pytest.approx(0.0, abs=1e-5)


def test_two_wrong_stages_lose_two():
    assert MultiStageDiceLoss()((_logits(NOWHERE), _logits(NOWHERE)), LABEL) == pytest.approx(2.0, abs=1e-4)


def test_one_stage_is_one_dice_loss():
    half = torch.tensor([[[[0, 1, 0], [2, 0, 0]]]])  # one of two pixels each: Dice with squares is 2 * 1 / (1 + 2)
    assert MultiStageDiceLoss()(_logits(half), LABEL) == pytest.approx(1 / 3, abs=1e-4)


def test_cross_entropy_is_added_by_its_weight():
    logits = torch.zeros(1, 3, 2, 3)
    entropy = torch.log(torch.tensor(3.0))
    difference = MultiStageDiceLoss(cross_entropy=0.5)(logits, LABEL) - MultiStageDiceLoss()(logits, LABEL)
    assert difference == pytest.approx(0.5 * float(entropy), abs=1e-5)
