"""Weights of classes from how often they occur."""

from collections.abc import Sequence

import torch


def class_weights(counts: Sequence[int] | torch.Tensor, power: float = 0.35) -> torch.Tensor:
    """Return ``count ** -power`` of every class over the mean of all.

    Args:
        counts: pixels of every class, background first.
        power: 0 weighs all alike, 1 inversely to their frequency.

    Returns:
        float32 tensor whose mean is 1.

    Raises:
        ValueError: when a class does not occur.

    Example:
        >>> class_weights([10000, 100])
        tensor([0.3327, 1.6673])
    """
    counts = torch.as_tensor(counts, dtype=torch.float64)
    if bool((counts <= 0).any()):
        raise ValueError(f"every class must occur, got counts {counts.tolist()}.")
    weights = counts**-power
    return (weights / weights.mean()).float()
