"""What the traversal finds: vertebrae, pieces of vertebrae, and what is none."""

from dataclasses import dataclass

import numpy as np

from .identified import Identified
from .kinds import NO_VERTEBRA

CUT_WEIGHT = 0.3  # of what a vertebra says that the scan's border cuts, beside a complete one
SACRAL = 25.3  # estimate from which on a piece looks like the sacrum
# Log-probability that a piece is no vertebra: a complete one, one cut by the scan's border, one inside and yet incomplete.
FALSE, FALSE_CUT, FALSE_INSIDE = -4.5, -2.2, -0.7
# Weight of what the network of levels says of false pieces, and its bounds in probability.
FALSE_WEIGHT, SURELY = 0.5, 0.02


@dataclass(frozen=True)
class Piece:
    """What the traversal says of one instance.

    Attributes:
        estimate: of its number; None or not finite where there is none.
        completeness: probability that the vertebra lies wholly in the scan.
        certainty: the network's mean probability inside it.
        centre: its centre of mass in mm.
        cut: whether it touches the scan's border.
        bone_above: whether the scan shows bone above it: the skull, or other vertebrae.
        bone_below: whether it shows bone below it: the sacrum, or other vertebrae.
        large: whether it is much larger than the vertebrae next to it, as the sacrum is.
        identified: what the network of levels says of it; None without one.
    """

    estimate: float | None
    completeness: float = 1.0
    certainty: float = 1.0
    centre: tuple[float, float, float] | None = None
    cut: bool = True
    bone_above: bool = False
    bone_below: bool = False
    large: bool = False
    identified: Identified | None = None

    @property
    def weight(self) -> float:
        """How much the estimate counts, from 0 to 1."""
        known = self.estimate is not None and np.isfinite(self.estimate)
        return known * (1 - (1 - CUT_WEIGHT) * (1 - self._wholeness) * self.cut) * min(1.0, self.certainty)

    @property
    def cost(self) -> float:
        """Log-probability that it is no vertebra."""
        incomplete = FALSE_CUT if self.cut else FALSE_INSIDE
        cost = incomplete + (FALSE - incomplete) * self._wholeness
        if self.identified is None:
            return cost
        share = float(np.clip(self.identified.kinds[NO_VERTEBRA], SURELY, 1 - SURELY))
        return cost + FALSE_WEIGHT * float(np.log(share / (1 - share)))

    @property
    def _wholeness(self) -> float:
        """Completeness, which means nothing for what looks like a sacrum: it seldom fits into a patch."""
        sacral = self.large or (self.estimate is not None and self.estimate > SACRAL)
        return 1.0 if sacral else self.completeness
