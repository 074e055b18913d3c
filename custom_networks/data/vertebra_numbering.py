"""Number a sequence of vertebrae by maximum likelihood."""

from collections.abc import Sequence

import numpy as np

from .vertebra_names import FIRST, LAST


def number_sequence(estimates: Sequence[float], complete: Sequence[bool]) -> list[int]:
    """Return VerSe numbers, one after the other, for vertebrae from top to bottom.

    Every estimate is taken as the true number plus an error of Laplace distribution, so the likeliest sequence has the least sum
    of absolute errors. Only complete vertebrae vote; where none is complete, or there are more vertebrae than numbers, they are
    counted 1, 2, 3 from the top.

    Args:
        estimates: the network's estimate of each vertebra's number.
        complete: whether each is complete.
    """
    count = len(estimates)
    position = np.arange(count)
    votes = np.asarray(complete, bool) & np.isfinite(np.asarray(estimates, float))
    starts = np.arange(FIRST, LAST + 2 - count)
    if not votes.any() or not len(starts):
        return [int(n) for n in position + 1]
    errors = [np.abs(np.asarray(estimates)[votes] - (start + position[votes])).sum() for start in starts]
    return [int(n) for n in starts[int(np.argmin(errors))] + position]
