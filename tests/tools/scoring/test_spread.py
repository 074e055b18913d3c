"""Means with their spread."""

import math

import pytest

from tools.scoring.spread import read_scores, spread


def test_cases_of_one_subject_count_as_their_mean():
    found = spread([0.8, 0.6, 0.9], ["a", "a", "b"])
    assert (found.count, found.worst) == (2, 0.6)
    assert found.mean == pytest.approx(0.8)
    assert found.deviation == pytest.approx(0.1 * math.sqrt(2))
    assert 0.7 <= found.low <= found.mean <= found.high <= 0.9


def test_the_interval_is_that_of_the_mean():
    scores = [0.5 + 0.01 * n for n in range(40)]
    found = spread(scores, [str(n) for n in range(40)])
    error = found.deviation / math.sqrt(40)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert spread(scores, [str(n) for n in range(40)]) == found


def test_one_subject_has_no_interval():
    found = spread([0.7], ["a"])
    assert str(found) == "0.700, worst 0.700, n = 1"
    assert math.isnan(found.deviation)


def test_equal_scores_have_an_interval_of_one_point():
    assert spread([0.5, 0.5], ["a", "b"]).low == 0.5


def test_nan_has_no_say():
    assert spread([0.7, math.nan], ["a", "b"]).count == 1
    assert spread([math.nan], ["a"]).count == 0


def test_means_are_no_cases(tmp_path):
    (tmp_path / "dice.csv").write_text("case,dice\na,0.5\nmean,0.5\n")
    assert read_scores(tmp_path / "dice.csv") == [{"case": "a", "dice": "0.5"}]


def test_a_case_may_be_called_mean(tmp_path):
    (tmp_path / "dice.csv").write_text("case,dice\nmean,0.4\nb,0.6\nmean,0.5\n")
    assert [row["dice"] for row in read_scores(tmp_path / "dice.csv")] == ["0.4", "0.6"]
    (tmp_path / "crossvalidation.csv").write_text("subject,case,dice\nb,b,0.6\nmean,mean,0.4\n")
    assert [row["dice"] for row in read_scores(tmp_path / "crossvalidation.csv")] == ["0.6", "0.4"]


@pytest.mark.parametrize("name", ["volume_difference", "false 3-10 mm3", "registration_error_mm"])
def test_the_worst_of_what_should_be_small_is_the_largest(name):
    assert spread([0.2, 1.2, 0.5], ["a", "b", "c"], name).worst == 1.2
