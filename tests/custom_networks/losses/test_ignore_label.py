import pytest
import torch
from monai.losses import DiceCELoss

from custom_networks import IgnoreLabel


def loss() -> IgnoreLabel:
    return IgnoreLabel(DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True))


def test_ignored_voxels_teach_nothing():
    logits = torch.randn(1, 2, 4, 4, 4, requires_grad=True)
    target = torch.zeros(1, 1, 4, 4, 4)
    target[..., 0], target[..., 1] = 1, 2
    loss()(logits, target).backward()
    assert torch.all(logits.grad[..., 1] == 0) and torch.all(logits.grad[..., 0] != 0)


def test_the_answer_there_changes_nothing():
    logits, target = torch.randn(1, 2, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4)
    target[..., 0], target[..., 1] = 1, 2
    other = logits.clone()
    other[..., 1] += 50
    assert loss()(logits, target) == loss()(other, target)


def test_without_the_label_it_is_the_loss_itself():
    logits, target = torch.randn(1, 2, 4, 4, 4), torch.randint(0, 2, (1, 1, 4, 4, 4))
    assert loss()(logits, target) == pytest.approx(float(loss().loss(logits, target)))
