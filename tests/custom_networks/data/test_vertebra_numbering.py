"""Numbers of a sequence by maximum likelihood."""

import pytest

from custom_networks.data.vertebra_numbering import number_sequence

NAN = float("nan")


@pytest.mark.parametrize(
    ("estimates", "complete", "expected"),
    [
        ([19.2, 20.1, 20.8, 22.3], [True] * 4, [19, 20, 21, 22]),
        ([23.9, 20.4, 21.2, 22.0], [False, True, True, True], [19, 20, 21, 22]),  # the first is cut and does not vote
        ([19.0, 20.0, 9.0, 22.0, 23.0], [True] * 5, [19, 20, 21, 22, 23]),  # one far off does not move the others
        ([24.9, 26.0], [True, True], [23, 24]),  # no number beyond L5
        ([0.2, 0.9], [True, True], [1, 2]),
        ([20.0, 21.0], [False, False], [1, 2]),
        ([NAN, NAN], [True, True], [1, 2]),
        ([], [], []),
        ([12.0], [True], [12]),
    ],
)
def test_likeliest_sequence(estimates, complete, expected):
    assert number_sequence(estimates, complete) == expected


def test_more_vertebrae_than_numbers():
    assert number_sequence([5.0] * 27, [True] * 27) == list(range(1, 28))
