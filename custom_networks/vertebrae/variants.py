"""How many vertebrae people have, how often, and how far apart they stand."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .kinds import kinds_of
from .names import SACRUM, T12, T13, level_of

# Thoracic and lumbar vertebrae, and the share of people who have them; rounded from 293 volunteers of Yan et al., Journal of
# Orthopaedic Surgery and Research 13:124, 2018 (11 and 5: 4.1 %, 12 and 6: 3.8 %, 11 and 6: 1.7 %) and 748 columns in Bergman's
# Encyclopedia of Human Anatomic Variation (18 thoracolumbar vertebrae: 3.5 %, 16: 0.7 %).
FREQUENCIES = {
    (12, 5): 0.9, (12, 6): 0.035, (11, 5): 0.02, (11, 6): 0.01, (12, 4): 0.015, (13, 5): 0.01, (13, 4): 0.005, (13, 6): 0.005,
}  # fmt: skip
# Level and distance to the next lower vertebra's centre in mm, body and disc; levels between are interpolated. Bodies after Panjabi
# et al., Spine 16:861, 16:888, 17:299 (1991-92).
STEPS = np.array([[1, 15], [2, 18], [3, 17], [7, 18.5], [8, 19], [13, 23.5], [19, 30], [20, 32.5], [24, 39], [25, 39]], float)
SACRAL_STEP = 62.0  # mm from the centre of the last lumbar vertebra to that of the whole sacrum


@dataclass(frozen=True)
class Variant:
    """One sequence of a person's vertebrae from C1 to the sacrum, as VerSe numbers, and how often it occurs."""

    numbers: tuple[int, ...]
    frequency: float

    @cached_property
    def levels(self) -> np.ndarray:
        """What the network is taught to estimate for each."""
        return np.array([level_of(number) for number in self.numbers])

    @cached_property
    def kinds(self) -> list[int]:
        """Place in `KINDS` of each."""
        return kinds_of(self.numbers)

    @property
    def is_usual_chest(self) -> bool:
        """Whether there are twelve thoracic vertebrae."""
        return T12 in self.numbers and T13 not in self.numbers

    @cached_property
    def depths(self) -> np.ndarray:
        """Distance of every centre from that of C1 in mm, for a person of middle size."""
        lower = [SACRAL_STEP if n == SACRUM else float(np.interp(level_of(u), *STEPS.T)) for u, n in self._pairs()]
        return np.concatenate([[0.0], np.cumsum(lower)])

    def _pairs(self) -> zip:
        return zip(self.numbers[:-1], self.numbers[1:], strict=True)


def _variant(thoracic: int, lumbar: int, frequency: float) -> Variant:
    chest = [n if n < 20 else T13 for n in range(8, 8 + thoracic)]
    return Variant((*range(1, 8), *chest, *range(20, 20 + lumbar), SACRUM), frequency)


VARIANTS = tuple(_variant(*counts, frequency) for counts, frequency in FREQUENCIES.items())
TWELVE = sum(variant.frequency for variant in VARIANTS if variant.is_usual_chest)  # share of people with twelve thoracic vertebrae
