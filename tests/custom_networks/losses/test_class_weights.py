import pytest
import torch

from custom_networks import class_weights


def test_weights_by_hand():
    torch.testing.assert_close(class_weights([16, 1], power=0.5), torch.tensor([0.4, 1.6]))


def test_counts_that_give_the_numbers_of_the_learning_unit():
    printed = torch.tensor([0.4031, 0.6409, 0.6934, 0.7888, 1.7354, 1.7383])
    counts = 1e6 * printed.double() ** (-1 / 0.35)
    torch.testing.assert_close(class_weights(counts), printed, atol=1e-4, rtol=0)


def test_a_class_that_never_occurs_is_refused():
    with pytest.raises(ValueError, match="every class must occur"):
        class_weights([10, 0])
