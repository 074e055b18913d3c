"""The arithmetic that this machine can do, as the measure of everything else."""

import time
from collections.abc import Callable
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

SIDE = 1024  # of the matrices
SMALLEST, LARGEST = 2**16, 2**28  # bytes of a copy
TRIES = 8  # of which the fastest counts


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call, over all threads: others that use the machine hardly change it."""
    start = time.process_time()
    call()
    return time.process_time() - start


def least(seconds: Callable[[], float]) -> float:
    """Return the least of `TRIES` measurements."""
    return min(seconds() for _ in range(TRIES))


def peak(dtype: torch.dtype) -> float:
    """Return floating-point operations in a second of CPU time, in a matrix product of one type."""
    first, second = (torch.randn(SIDE, SIDE).to(dtype) for _ in range(2))
    return 2 * SIDE**3 / least(lambda: cpu_seconds(lambda: first @ second))


def copies_in_a_second(moved: int) -> float:
    """Return the bytes read and written in a second of CPU time by copies that move about so many: what fits a cache is faster."""
    return _rate_of_copies(min(max(1 << max(moved - 1, 1).bit_length(), SMALLEST), LARGEST))


@cache
def _rate_of_copies(moved: int) -> float:
    source = torch.randn(moved // 8)  # four bytes a number, read and written
    target = torch.empty_like(source)
    repeats = max(1, 2**24 // moved)  # the clock of CPU time is coarse

    def copy() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return repeats * moved / least(lambda: cpu_seconds(copy))


def operations_counter(executed: bool = False) -> FlopCounterMode:
    """Return torch's counter of floating-point operations, which counts those of a network as it is written where it runs fused.

    Args:
        executed: whether only what is executed counts.
    """
    fused = torch.ops.mkldnn
    enlarged = _executed_enlargement if executed else _enlarged_convolution
    mapping = {
        fused._convolution_pointwise: _convolution,
        fused._convolution_pointwise_: _added_convolution,
        fused._convolution_transpose_pointwise: enlarged,
    }
    return FlopCounterMode(display=False, custom_mapping=mapping)


def _convolution(features: torch.Size, weight: torch.Size, *settings, out_shape: torch.Size, **others) -> int:
    if isinstance(settings[0], torch.Size) and len(settings[0]) == len(features):
        weight = settings[0]  # behind what is added
    return conv_flop_count(features, weight, out_shape)


def _added_convolution(target: torch.Size, *convolution, out_shape: torch.Size) -> int:
    return _convolution(*convolution, out_shape=out_shape)


def _enlarged_convolution(features: torch.Size, weight: torch.Size, *settings, out_shape: torch.Size, **others) -> int:
    """Count what `FusedExpansion` saves as done."""
    return conv_flop_count(features, [weight[1], weight[0], 3, 3, 3], out_shape)


def _executed_enlargement(features: torch.Size, weight: torch.Size, *settings, out_shape: torch.Size, **others) -> int:
    return conv_flop_count(features, weight, out_shape, transposed=True)
