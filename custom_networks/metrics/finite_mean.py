"""The mean of scores some of which are not defined."""

from collections.abc import Iterable

import numpy as np


def finite_mean(values: Iterable[float]) -> float:
    """Return the mean of the finite values; nan where there is none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
