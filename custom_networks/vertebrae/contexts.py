"""What holds for a whole spine: how many vertebrae the person has, how large they are, how far all estimates are off."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from .names import SACRUM
from .variants import VARIANTS

# By level: the scale in vertebrae of the Laplace distribution of one estimate's own error, and how much of the error that
# neighbours share it takes. Where ribs begin or end the network sees which vertebra is which; elsewhere it goes by size, and in a
# neck that is cut above it takes the first vertebra for C1 and rises by two from one to the next. Measured on phantoms for
# validation, which are none of those of `axial situations`; below the neck half as strong, as real scans agree with them less.
ERRORS = np.array([[1, 0.6], [8, 0.5], [13, 0.6], [17, 0.5], [19, 0.45], [26, 0.45]])
SHARED = np.array([
    [1, 3.0], [4, 2.6], [5, 2.0], [6, 1.1], [7, 0.2], [8, 0.75], [13, 1.2], [17, 0.9], [18, 0.75], [21, 0.75], [23, 1.0], [26, 1.0],
])  # fmt: skip
SHIFT = 0.4  # vertebrae; scale of the shared error
SHIFTS = np.arange(-3, 3.01, 0.5)
SIZES, SIZE_SD = np.array([0.8, 0.9, 1.0, 1.1, 1.2]), 0.1  # of people, against the table of distances


@dataclass(frozen=True)
class Contexts:
    """All that may hold for a spine, a context a row: a variant, a size of the person and a shift of the estimates.

    Columns are places, indices into the variant's sequence of vertebrae. The shifts of one variant and size, a group, are
    consecutive rows.

    Attributes:
        numbers: ``(contexts, places)`` VerSe's numbers; 0 beyond the sequence's end.
        kinds: ``(contexts, places)`` places in `KINDS`.
        levels: ``(contexts, places)`` expected estimates.
        errors: ``(contexts, places)`` scales of one estimate's own error.
        depths: ``(contexts, places)`` distances of the centres from that of C1 in mm.
        prior: ``(contexts,)`` log-probabilities.
        usual: ``(contexts,)`` whether there are twelve thoracic vertebrae.
    """

    numbers: np.ndarray
    kinds: np.ndarray
    levels: np.ndarray
    errors: np.ndarray
    depths: np.ndarray
    prior: np.ndarray
    usual: np.ndarray

    @property
    def sacrum(self) -> np.ndarray:
        """``(contexts, places)``: where the sacrum stands."""
        return self.numbers == SACRUM

    @property
    def first(self) -> np.ndarray:
        """``(places,)``: where C1 stands."""
        return np.arange(self.numbers.shape[1]) == 0

    @property
    def last(self) -> np.ndarray:
        """``(contexts, places)``: where the last lumbar vertebra stands."""
        return np.roll(self.sacrum, -1, axis=1)

    def kept(self, rows: np.ndarray) -> "Contexts":
        """Return some of the contexts."""
        return Contexts(*(getattr(self, field.name)[rows] for field in fields(self)))


@cache
def all_contexts() -> Contexts:
    """Return every context that is thought of, with its probability before anything is seen."""
    places = max(len(variant.numbers) for variant in VARIANTS)
    rows = [(variant, size, shift) for variant in VARIANTS for size in SIZES for shift in SHIFTS]
    numbers, kinds = (np.zeros((len(rows), places), int) for _ in range(2))
    levels, depths, errors = (np.full((len(rows), places), value) for value in (0.0, 0.0, 1.0))
    for row, (variant, size, shift) in enumerate(rows):
        count = len(variant.numbers)
        numbers[row, :count], kinds[row, :count] = variant.numbers, variant.kinds
        levels[row, :count] = variant.levels + shift * np.interp(variant.levels, *SHARED.T)
        errors[row, :count] = np.interp(variant.levels, *ERRORS.T)
        depths[row, :count] = variant.depths * size
    frequency = np.log([variant.frequency for variant in VARIANTS])
    size_prior = normalised(-0.5 * ((SIZES - 1) / SIZE_SD) ** 2)
    prior = (frequency[:, None, None] + size_prior[:, None] + shift_prior()).ravel()
    usual = np.array([variant.is_usual_chest for variant, *_ in rows])
    return Contexts(numbers, kinds, levels, errors, depths, prior, usual)


def shift_prior() -> np.ndarray:
    """Return the log-probabilities of `SHIFTS`."""
    return normalised(-np.abs(SHIFTS) / SHIFT)


def normalised(scores: np.ndarray) -> np.ndarray:
    """Turn log-scores into log-probabilities."""
    return scores - np.logaddexp.reduce(scores)
