"""Weights that are not numbers: what a training that diverged leaves."""

from collections.abc import Mapping
from pathlib import Path

import torch

from ..errors import UserError


def check_finite(network: torch.nn.Module, epoch: int) -> None:
    """Refuse a network in training whose parameters, or statistics of batch normalisation, are not numbers any more.

    Args:
        network: network in training.
        epoch: that was trained, for the message.

    Raises:
        UserError: says what may help.
    """
    parameters = (name for name, value in network.named_parameters() if not bool(value.isfinite().all()))
    lost = next(parameters, None) or _not_a_number(network.state_dict())
    if lost is not None:
        raise UserError(
            f"Epoch {epoch}: the training diverged, {lost} is not finite any more.",
            "Lower --learning_rate, or compute in float32; the same command goes on after the last epoch that was sound.",
        )


def check_numbers(path: str | Path, state: Mapping[str, torch.Tensor]) -> None:
    """Refuse a file of weights that holds NaN.

    Raises:
        UserError: names the file.
    """
    lost = _not_a_number(state)
    if lost is not None:
        raise UserError(f"{path}: {lost} holds NaN, so the training that made it diverged.", "Give other weights.")


def _not_a_number(state: Mapping[str, torch.Tensor]) -> str | None:
    """Return the first tensor with NaN; infinity may be a mask of attention."""
    tensors = ((name, value) for name, value in state.items() if isinstance(value, torch.Tensor) and value.is_floating_point())
    return next((name for name, value in tensors if bool(value.isnan().any())), None)
