"""Batch normalisation with statistics that stand: a number a channel to multiply by, and one to add."""

from collections.abc import Sequence

import torch
from torch import nn

BATCH_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)


def scale_and_shift(norm: nn.BatchNorm2d | nn.BatchNorm3d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a batch normalisation in evaluation multiplies channels by, and what it adds then, ``(C,)`` each."""
    scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias.detach() - norm.running_mean * scale


def merged(first: Sequence[nn.Module], second: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """Return one batch normalisation, in evaluation, for several side by side and a second one behind them all.

    Args:
        first: batch normalisations of some of the channels each, in their order.
        second: of all channels.
    """
    scale, shift = (torch.cat(parts) for parts in zip(*map(scale_and_shift, first), strict=True))
    after, added = scale_and_shift(second)
    both = nn.BatchNorm2d(len(scale), eps=0.0).eval()  # of mean 0 and variance 1
    both.weight.data, both.bias.data = after * scale, after * shift + added
    return both
