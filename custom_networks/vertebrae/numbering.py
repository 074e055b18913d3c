"""Number a sequence of vertebrae by maximum likelihood."""

from collections.abc import Sequence

import numpy as np

from .names import FIRST, LAST

END_BONUS = 2.5  # vertebrae of error per vote that an end of the spine outweighs
LEFT_OUT_COST = 4.0  # vertebrae of error that leaving out an instance at the lower end must save
LEFT_OUT_MOST = 9  # a sacrum has five segments, a coccyx up to four
INCOMPLETE_WEIGHT = 0.3  # of the error of an incomplete vertebra beside that of a complete one


def number_sequence(
    estimates: Sequence[float], complete: Sequence[bool], begins_at_first: bool = False, ends_at_last: bool = False
) -> list[int]:
    """Return VerSe numbers, one after the other, for vertebrae from top to bottom.

    Every estimate is taken as the true number plus an error of Laplace distribution, so the likeliest sequence has the least sum
    of absolute errors. Only complete vertebrae vote, or all where none is complete. Without an estimate, or with more vertebrae
    than numbers, they are counted 1, 2, 3 from the top.

    Where the scan shows bone beyond an end of the spine, the skull or the sacrum, a sequence that ends there with C1 or L5 is
    preferred, unless the estimates contradict it by more than `END_BONUS` vertebrae on average.

    Args:
        estimates: the network's estimate of each vertebra's number.
        complete: whether each is complete.
        begins_at_first: whether there is bone above the first.
        ends_at_last: whether there is bone below the last.
    """
    count = len(estimates)
    position = np.arange(count)
    finite = np.isfinite(np.asarray(estimates, float))
    votes = np.asarray(complete, bool) & finite
    votes = votes if votes.any() else finite
    starts = np.arange(FIRST, LAST + 2 - count)
    if not votes.any() or not len(starts):
        return [int(n) for n in position + 1]
    errors = np.array([np.abs(np.asarray(estimates)[votes] - (start + position[votes])).mean() for start in starts])
    errors[starts == FIRST] -= END_BONUS * begins_at_first
    errors[starts + count - 1 == LAST] -= END_BONUS * ends_at_last
    return [int(n) for n in starts[int(np.argmin(errors))] + position]


def length_of_spine(estimates: Sequence[float], complete: Sequence[bool]) -> int:
    """Return how many instances from the top belong to the spine; those below contradict the sequence, as parts of a sacrum do.

    The network is never shown the number of a sacral segment, so its estimates there do not go on where those of the lumbar
    vertebrae end. Up to `LEFT_OUT_MOST` are left out from below where each saves more than `LEFT_OUT_COST` of the sum of absolute
    errors.

    Args:
        estimates: the network's estimate of each instance's number, from top to bottom.
        complete: whether each is complete; incomplete ones count with `INCOMPLETE_WEIGHT`.
    """
    values = np.asarray(estimates, float)
    weights = np.where(complete, 1.0, INCOMPLETE_WEIGHT) * np.isfinite(values)
    values = np.nan_to_num(values)

    def cost(length: int) -> float:
        starts = np.arange(FIRST, max(FIRST, LAST + 1 - length) + 1)
        errors = np.abs(values[:length] - (starts[:, None] + np.arange(length))) * weights[:length]
        return float(errors.sum(1).min()) + LEFT_OUT_COST * (len(values) - length)

    shortest = max(1, len(values) - LEFT_OUT_MOST)
    return min(range(len(values), shortest - 1, -1), key=cost, default=0)
