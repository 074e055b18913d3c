"""Labels that stand for one of several classes."""

import pytest
import torch
from monai.losses import DiceCELoss
from torch.nn import CrossEntropyLoss

from custom_networks import LabelMapReport, MultiStageDiceLoss, PartialLabels, allowed_classes, resolve_partial

ALLOWED = {"3": [0, 2], "5": [0, 1, 2]}


def test_cross_entropy_is_that_of_the_allowed_classes_together():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    target = torch.randint(0, 4, (2, 1, 4, 4))
    PartialLabels(CrossEntropyLoss(), 3, ALLOWED)(logits, target).backward()
    found = logits.grad.clone()
    logits.grad = None
    probability = logits.softmax(1)
    table = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]])
    together = (probability * table[target[:, 0]].movedim(-1, 1)).sum(1)
    (-together.log()).mean().backward()
    assert torch.allclose(found, logits.grad, atol=1e-6)


def test_labels_of_one_class_are_learned_as_always():
    logits, target = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 1, 8, 8))
    options = {"include_background": False, "softmax": True}
    ours = PartialLabels(DiceCELoss(**options), 3, ALLOWED)(logits, target)
    assert float(ours) == pytest.approx(float(DiceCELoss(to_onehot_y=True, **options)(logits, target)), abs=1e-5)


def test_what_may_be_anything_teaches_cross_entropy_nothing():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    PartialLabels(CrossEntropyLoss(), 3, ALLOWED)(logits, torch.full((1, 1, 2, 2), 5)).backward()
    assert logits.grad.abs().max() < 1e-6


DICE = {"include_background": False, "softmax": True}


@pytest.mark.parametrize("options", [DICE, DICE | {"squared_pred": True}, DICE | {"squared_pred": True, "batch": True}])
def test_dice_does_not_choose_among_the_allowed_classes(options):
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    target = torch.randint(0, 3, (2, 1, 8, 8))
    target[..., :4] = 3  # may be 0 or 2
    PartialLabels(DiceCELoss(**options), 3, ALLOWED)(logits, target).backward()
    undecided = logits.grad[..., :4]
    probability = logits.detach().softmax(1)[..., :4]
    assert torch.allclose(undecided[:, 0] / probability[:, 0], undecided[:, 2] / probability[:, 2], atol=1e-5)
    assert (undecided[:, 1] > 0).all()  # what it may not be is unlearned
    assert logits.grad[..., 4:].abs().max() > 1e-3


def test_every_stage_learns_from_partial_labels():
    logits, target = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 1, 8, 8))
    options = {"batch": True, "cross_entropy": 1.0}
    partial = MultiStageDiceLoss(**options, num_classes=3, allowed=ALLOWED)((logits, logits), target)
    assert float(partial) == pytest.approx(float(MultiStageDiceLoss(**options)((logits, logits), target)), abs=1e-5)


@pytest.mark.parametrize("allowed", [{"1": [0]}, {"4": [3]}, {"4": []}])
def test_labels_that_are_classes_and_classes_that_are_none_are_refused(allowed):
    with pytest.raises(ValueError, match="allowed"):
        allowed_classes(3, allowed)


def test_labels_agree_with_a_prediction_where_they_can():
    table = allowed_classes(3, ALLOWED)
    label, pred = torch.tensor([0, 1, 3, 3, 3, 5]), torch.tensor([1, 1, 0, 1, 2, 2])
    assert resolve_partial(pred, label, table).tolist() == [0, 1, 0, 0, 2, 2]


def test_a_class_that_a_case_does_not_decide_has_no_score(tmp_path):
    from monai.data import MetaTensor

    report = LabelMapReport(["one", "two"], allowed=ALLOWED)
    label = MetaTensor(torch.tensor([[0, 1, 3, 3]]), meta={"filename_or_obj": "a_label.png"})
    row = report.score({"pred": torch.tensor([[0, 1, 2, 1]]), "label": label})
    assert row["one"] == pytest.approx(2 / 3)
    assert row["two"] != row["two"]  # nan
    assert row["mean"] == pytest.approx(2 / 3)
