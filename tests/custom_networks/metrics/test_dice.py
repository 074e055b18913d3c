import pytest
import torch

from custom_networks import dice_coefficients


def test_values_by_hand():
    prediction = torch.tensor([[0, 1, 1], [2, 2, 2]])
    truth = torch.tensor([[0, 1, 2], [2, 0, 2]])
    torch.testing.assert_close(dice_coefficients(prediction, truth, 3), torch.tensor([2 / 3, 2 / 3]))


def test_form_of_the_printed_example_with_an_absent_sixth_label():
    labels = torch.randint(0, 6, (64, 64), generator=torch.Generator().manual_seed(0))
    scores = dice_coefficients(labels, labels.flip(0), 7)
    assert scores.shape == (6,)
    assert scores[5] == 1.0
    assert (scores[:5] < 0.3).all()


def test_a_class_found_in_vain_scores_zero():
    assert dice_coefficients(torch.ones(4), torch.zeros(4), 2).item() == pytest.approx(0.0, abs=1e-6)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        dice_coefficients(torch.zeros(3), torch.zeros(4), 2)
