"""What the network of levels says of one instance."""

from dataclasses import dataclass

import numpy as np

from .kinds import KINDS

COUNT = 28  # VerSe's numbers, from 1 on; 27 is never asked for


@dataclass(frozen=True)
class Identified:
    """Probabilities of VerSe's numbers ``(28,)``, from 1 on, and of `KINDS`."""

    numbers: np.ndarray
    kinds: np.ndarray

    def __post_init__(self) -> None:
        if self.numbers.shape != (COUNT,) or self.kinds.shape != (len(KINDS),):
            raise ValueError(f"expected {COUNT} and {len(KINDS)} probabilities, got {self.numbers.shape} and {self.kinds.shape}.")
