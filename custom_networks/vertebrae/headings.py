"""How a body may lie in the array of a scan whose header is wrong."""

import torch

UPRIGHT = 0
TURNS = ((), (2,), (3,), (2, 3))  # axes of ``(C, X, Y, Z)`` that each heading reverses
HEADINGS = ("", "front and back are changed", "head and feet are changed", "front and back, and head and feet, are changed")
HEAD_DOWN = (2, 3)  # headings whose numbers grow upwards


def turned(scan: torch.Tensor, heading: int) -> torch.Tensor:
    """Return ``(C, X, Y, Z)`` as an array of that heading has it; twice is as before."""
    return scan.flip(TURNS[heading]) if heading else scan
