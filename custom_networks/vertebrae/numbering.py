"""Number all vertebrae of a scan at once: the likeliest sequence, how likely it is, and what else it may be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .hidden_markov_model import HiddenMarkovModel
from .kinds import ENDS, FIRST_LUMBAR, FIRST_THORACIC
from .names import LAST, level_of
from .pieces import Piece
from .variants import TWELVE

CERTAIN = 0.9  # probability of every number from which on the numbers count as certain
ALTERNATIVE = 0.1  # probability from which on another numbering is named
SEEN = 0.9  # probability of an end of a region, by the network of levels, from which on there is something to count from
REVERSED = -7.0  # log-probability of a scan that is upside down
FEW = 3  # pieces from which on a fall of their estimates means something
RISING = 0.3  # least slope of the estimates from one piece to the next below, from which on a scan counts as upright


@dataclass(frozen=True)
class Numbering:
    """Numbers of all pieces, in their order.

    Attributes:
        numbers: VerSe's; 0 for what is no vertebra.
        probabilities: how likely each number is.
        missed: numbers that lie between those found.
        alternative: the second-best numbering, where its probability is `ALTERNATIVE` or more, or something was assumed.
        alternative_probability: of the number in which it differs.
        counted: whether nothing was known, and pieces were merely counted from the top.
        upside_down: whether numbers grow upwards.
        disordered: whether estimates do not grow from top to bottom, as where a header is wrong.
        evidence: log-likelihood of all that is known, beside pieces that are none of a spine; of several searches that of the
            greatest is right.
        assumed: whether thoracic vertebrae were counted from below, with nothing to tell how many there are.
        anchored: whether the scan shows where a region of the spine ends; this and ``assumed`` as far as a network of levels
            looked.
    """

    numbers: list[int]
    probabilities: list[float]
    missed: list[int]
    alternative: list[int] | None = None
    alternative_probability: float = 0.0
    counted: bool = False
    upside_down: bool = False
    disordered: bool = False
    evidence: float = 0.0
    assumed: bool = False
    anchored: bool = True

    @property
    def certain(self) -> bool:
        """Whether every number is likelier than `CERTAIN`, the scan shows something to count from, and all thoracic vertebrae."""
        found = [p for number, p in zip(self.numbers, self.probabilities, strict=True) if number]
        doubtful = self.counted or self.misplaced or self.assumed or not self.anchored
        return bool(found) and not doubtful and min(found) >= CERTAIN

    @property
    def misplaced(self) -> bool:
        """Whether the body does not seem to lie in the array as the header says."""
        return self.upside_down or self.disordered


def number_vertebrae(pieces: Sequence[Piece]) -> Numbering:
    """Return the likeliest numbering of pieces that are sorted from top to bottom.

    A hidden Markov model over the pieces: each is a vertebra of the person's sequence or none; the sequence is one of
    `variants.VARIANTS` at the price of its frequency; vertebrae may have been missed between two found ones, which the distance
    of their centres tells. An estimate is the number plus an error of its own and one that neighbours share, both of Laplace
    distribution; the shared one seldom changes along the spine. Some estimates say nothing. Estimates of incomplete vertebrae and
    of a doubtful network count less.
    """
    if not pieces:
        return Numbering([], [], [])
    if not any(piece.weight or piece.identified for piece in pieces):
        count = min(len(pieces), LAST)
        numbers = [*range(1, count + 1), *[0] * (len(pieces) - count)]
        return Numbering(numbers, [0.0] * len(pieces), [], counted=True)
    upright = HiddenMarkovModel(pieces)
    slope = _slope(pieces)
    if slope >= 0:
        return replace(_numbering(upright), disordered=slope < RISING)
    turned = [replace(piece, bone_above=piece.bone_below, bone_below=piece.bone_above) for piece in pieces[::-1]]
    reversed_ = HiddenMarkovModel(turned)
    if reversed_.evidence + REVERSED > upright.evidence:
        return _numbering(reversed_, upside_down=True)
    return replace(_numbering(upright), disordered=True)


def _slope(pieces: Sequence[Piece]) -> float:
    """Return by how much estimates grow from one piece to the next below, weighted; 1 where there are fewer than `FEW`."""
    known = [(place, piece.estimate, piece.weight) for place, piece in enumerate(pieces) if piece.weight]
    if len(known) < FEW:
        return 1.0
    place, estimate, weight = np.array(known).T
    place = place - np.average(place, weights=weight)
    return float(np.sum(weight * place * estimate) / np.sum(weight * place**2))


def _numbering(model: HiddenMarkovModel, upside_down: bool = False) -> Numbering:
    """Return the best path, its probabilities and the second-best one, in the order of the pieces from top to bottom."""
    marginals = model.marginals()
    best, missed = _likeliest_path(model, marginals)
    assumed = any(piece.identified for piece in model.pieces) and _is_counted_from_below(best)
    if assumed:
        model.leave_room_for_unusual_chests()
        marginals = model.marginals()
        best, missed = _likeliest_path(model, marginals)
    probabilities = [marginal.get(number, 0.0) for marginal, number in zip(marginals, best, strict=True)]
    alternative, chance = _alternative(model, best, marginals)
    if assumed and not alternative:
        alternative, chance = model.best_path_of_an_unusual_chest()[0], 1 - TWELVE
    if upside_down:
        best, probabilities, missed = best[::-1], probabilities[::-1], missed[::-1]
        alternative = alternative[::-1] if alternative else None
    probabilities, chance = [round(p, 4) for p in probabilities], round(chance, 4)
    return Numbering(
        best, probabilities, missed, alternative, chance, upside_down=upside_down,
        evidence=model.evidence, assumed=assumed, anchored=_is_anchored(model.pieces),
    )  # fmt: skip


def _likeliest_path(model: HiddenMarkovModel, marginals: list[dict[int, float]]) -> tuple[list[int], list[int]]:
    """Return the best path, or the one through the likeliest number of its least certain vertebra where that differs."""
    best, missed = model.best_path()
    doubtful = _least_certain(best, marginals)
    likeliest = max(marginals[doubtful], key=marginals[doubtful].__getitem__)
    if likeliest in (0, best[doubtful]):
        return best, missed
    return model.best_path_with(doubtful, likeliest)


def _alternative(model: HiddenMarkovModel, best: list[int], marginals: list[dict[int, float]]) -> tuple[list[int] | None, float]:
    """Return the best path on which the least certain vertebra has its second number, and that number's probability."""
    doubtful = _least_certain(best, marginals)
    others = {number: p for number, p in marginals[doubtful].items() if number not in (0, best[doubtful])}
    second = max(others, key=others.__getitem__)
    if others[second] < ALTERNATIVE:
        return None, 0.0
    return model.best_path_with(doubtful, second)[0], others[second]


def _least_certain(path: Sequence[int], marginals: list[dict[int, float]]) -> int:
    """Return the index of the piece whose number is the least likely of a path's; every path has one at least."""
    return min((i for i, number in enumerate(path) if number), key=lambda i: marginals[i][path[i]])


def _is_anchored(pieces: Sequence[Piece]) -> bool:
    """Tell whether the network of levels saw where a region of the spine ends; without one, nothing is known of it."""
    seen = [float(piece.identified.kinds[list(ENDS)].max()) for piece in pieces if piece.identified]
    return not seen or max(seen) >= SEEN


def _is_counted_from_below(numbers: Sequence[int]) -> bool:
    """Tell whether the uppermost vertebra stands in the chest below T1, so that nothing tells how many are above it."""
    first = next(number for number in numbers if number)
    return FIRST_THORACIC < level_of(first) < FIRST_LUMBAR
