"""The mean of scores some of which are not defined."""

import math

from custom_networks.metrics.finite_mean import finite_mean


def test_values_that_are_not_finite_do_not_count():
    assert finite_mean([1.0, math.nan, 2.0, math.inf]) == 1.5


def test_without_a_finite_value_there_is_no_mean():
    assert math.isnan(finite_mean([])) and math.isnan(finite_mean([math.nan]))
