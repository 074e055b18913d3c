"""How a body may lie head down in the array of a scan whose header is wrong."""

import torch

Heading = tuple[int, ...]  # axes of ``(C, X, Y, Z)`` that are reversed
UPRIGHT: Heading = ()
HEAD_DOWN: dict[Heading, str] = {(3,): "head and feet are changed", (2, 3): "front and back, and head and feet, are changed"}


def turned(scan: torch.Tensor, heading: Heading) -> torch.Tensor:
    """Return ``(C, X, Y, Z)`` as an array of that heading has it; twice is as before."""
    return scan.flip(heading) if heading else scan
