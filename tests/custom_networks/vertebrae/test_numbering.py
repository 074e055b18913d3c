"""Numbers of a sequence by maximum likelihood."""

import pytest

from custom_networks.vertebrae.numbering import length_of_spine, number_sequence

NAN = float("nan")


@pytest.mark.parametrize(
    ("estimates", "complete", "expected"),
    [
        ([19.2, 20.1, 20.8, 22.3], [True] * 4, [19, 20, 21, 22]),
        ([23.9, 20.4, 21.2, 22.0], [False, True, True, True], [19, 20, 21, 22]),  # the first is cut and does not vote
        ([19.0, 20.0, 9.0, 22.0, 23.0], [True] * 5, [19, 20, 21, 22, 23]),  # one far off does not move the others
        ([24.9, 26.0], [True, True], [23, 24]),  # no number beyond L5
        ([0.2, 0.9], [True, True], [1, 2]),
        ([20.0, 21.1], [False, False], [20, 21]),  # two cut lumbar vertebrae are not C1 and C2
        ([NAN, NAN], [True, True], [1, 2]),
        ([], [], []),
        ([12.0], [True], [12]),
    ],
)
def test_likeliest_sequence(estimates, complete, expected):
    assert number_sequence(estimates, complete) == expected


def test_more_vertebrae_than_numbers():
    assert number_sequence([5.0] * 27, [True] * 27) == list(range(1, 28))


def test_sacrum_below_means_that_the_last_is_l5():
    estimates = [17.4, 18.3, 19.4, 20.2, 21.4, 22.3]  # each about 1.6 too low
    assert number_sequence(estimates, [True] * 6) == [17, 18, 19, 20, 21, 22]
    assert number_sequence(estimates, [True] * 6, ends_at_last=True) == [19, 20, 21, 22, 23, 24]


def test_skull_above_means_that_the_first_is_c1():
    assert number_sequence([2.2, 3.1, 4.0], [True] * 3, begins_at_first=True) == [1, 2, 3]


def test_estimates_that_contradict_the_end_win():
    assert number_sequence([8.0, 9.0, 10.0], [True] * 3, ends_at_last=True) == [8, 9, 10]


@pytest.mark.parametrize(
    ("estimates", "complete", "expected"),
    [
        ([21.0, 22.2, 23.1, 24.3], [True] * 4, 4),
        ([21.0, 22.2, 23.1, 24.3, 14.0, 15.5], [True] * 5 + [False], 4),  # a sacrum taken for two vertebrae
        ([17.0, 18.2, 19.1, 20.3, 13.0], [True] * 4 + [False], 5),  # one cut vertebra with a bad estimate stays
        ([20.0, 21.0, 12.0, 23.0, 24.0], [True] * 5, 5),  # an outlier in the middle stays
        ([12.0], [True], 1),
        ([NAN, NAN], [True, True], 2),
        ([], [], 0),
    ],
)
def test_what_contradicts_the_sequence_at_its_lower_end_is_left_out(estimates, complete, expected):
    assert length_of_spine(estimates, complete) == expected
