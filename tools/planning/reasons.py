"""What was decided, and why."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """A decision and why it was taken, for the plan's readers."""

    topic: str
    decision: str
    why: str


def rounded(value: float) -> float:
    """Return a length with four digits, as plans have them."""
    return float(f"{value:.4g}")


def times(values: Iterable[float]) -> str:
    """Return sizes as readers have them, such as ``64 x 64 x 16``."""
    return " x ".join(f"{value:.4g}" for value in values)
