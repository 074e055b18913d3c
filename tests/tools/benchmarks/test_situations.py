"""What is counted of a result in a phantom."""

import numpy as np

from tools.benchmarks.situations import Tally, judge
from tools.phantoms.spine import SpinePhantom


def phantom(label: np.ndarray) -> SpinePhantom:
    return SpinePhantom(np.zeros(label.shape, np.int16), label, np.diag([2.0, 2.0, 2.0, 1.0]), "lumbar")


def stack() -> np.ndarray:
    """Three vertebrae, of which the first is cut by the upper border."""
    label = np.zeros((20, 20, 40), np.uint8)
    for number, low in ((20, 30), (21, 17), (22, 4)):
        label[5:15, 5:15, low : low + 10] = number
    return label


def test_right_wrong_and_invented():
    truth = stack()
    mask = np.where(truth == 22, 23, truth)
    mask[0:4, 0:4, 0:16] = 24
    tally = judge("metal", phantom(truth), mask, [], {20: False, 21: False, 23: True, 24: True})
    assert tally == Tally("metal", 1, 0, 0, vertebrae=3, found=3, right=2, complete=2, false=1)


def test_either_of_two_spines_will_do_and_a_warning_is_asked_for():
    one = stack()
    truth = np.concatenate([one, one])
    mask = np.concatenate([np.zeros_like(one), one])
    complete = {20: False, 21: True, 22: True}
    tally = judge("two spines", phantom(truth), mask, ["there is more than one spine; ..."], complete)
    assert tally == Tally("two spines", 1, 1, 1, vertebrae=3, found=3, right=3, complete=3, false=0)
