"""Number all vertebrae of a scan at once: the likeliest sequence, how likely it is, and what else it may be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .identified import Identified
from .kinds import ENDS, FIRST_LUMBAR, FIRST_THORACIC, NO_VERTEBRA
from .names import SACRUM, level_of
from .variants import TWELVE, VARIANTS

CERTAIN = 0.9  # probability of every number from which on the numbers count as certain
ALTERNATIVE = 0.1  # probability from which on another numbering is named
# By level: the scale in vertebrae of the Laplace distribution of one estimate's own error, and how much of the error that
# neighbours share it takes. Where ribs begin or end the network sees which vertebra is which; elsewhere it goes by size, and in a
# neck that is cut above it takes the first vertebra for C1 and rises by two from one to the next. Measured on phantoms for
# validation, which are none of those of `axial situations`; below the neck half as strong, as real scans agree with them less.
ERRORS = np.array([[1, 0.6], [8, 0.5], [13, 0.6], [17, 0.5], [19, 0.45], [26, 0.45]])
SHARED = np.array([
    [1, 3.0], [4, 2.6], [5, 2.0], [6, 1.1], [7, 0.2], [8, 0.75], [13, 1.2], [17, 0.9], [18, 0.75], [21, 0.75], [23, 1.0], [26, 1.0],
])  # fmt: skip
SHIFT = 0.4  # vertebrae; scale of the shared error
DRIFT = 0.03  # probability that this error changes from one vertebra to the next: a network may be one too low in the neck alone
OUTLIER = 0.1  # share of estimates that say nothing; none for the sacrum, which must look like one
SACRAL = 25.3  # estimate from which on a piece looks like the sacrum
LARGE = -8.0  # log-likelihood ratio of a piece that is much larger than its neighbours, for a vertebra
LEVELS = 26.0  # range of such an estimate
CUT_WEIGHT = 0.3  # of what a vertebra says that the scan's border cuts, beside a complete one
SIZES, SIZE_SD = np.array([0.8, 0.9, 1.0, 1.1, 1.2]), 0.1  # of people, against the table of distances
SHIFTS = np.arange(-3, 3.01, 0.5)
STEP_SD = 0.15  # of the distance of two neighbours, as a share of it
STEP_RANGE = 100.0  # mm over which the distance of a false piece to a vertebra is spread
# Log-likelihood ratio, least for one distance: deformed vertebrae may be far off, but a gap has to be seen.
STEP_FLOOR, GAP_FLOOR = -5.0, -15.0
MISSED, MISSED_UNSEEN = -3.5, -6.0  # log-probability of a vertebra that was not found, and where no distance tells of it
MOST_MISSED = 3  # in a row
# Log-probability that a piece is no vertebra: a complete one, one cut by the scan's border, one inside and yet incomplete.
FALSE, FALSE_CUT, FALSE_INSIDE = -4.5, -2.2, -0.7
INSIDE, MOST_FALSE = -3.0, 2  # the same, in addition, between two vertebrae; most of them in a row
BONE_BEYOND = 1.5  # log-odds that the sequence ends with C1, or the last lumbar vertebra, where the scan shows bone beyond it
REVERSED = -7.0  # log-probability of a scan that is upside down
FEW = 3  # pieces from which on a fall of their estimates means something
RISING = 0.3  # least slope of the estimates from one piece to the next below, from which on a scan counts as upright
# What the network of levels says of a piece: weights of its number and kind, as it errs for neighbours together; the share of its
# answers that say nothing; the weight, and the bounds in probability, of what it says of false pieces.
NUMBER_WEIGHT, KIND_WEIGHT, MISTAKEN = 0.3, 0.7, 0.02
ESTIMATE_WEIGHT = 0.5  # of what the search estimates, where the network of levels looked at the same vertebra
SEEN = 0.9  # probability of an end of a region, by that network, from which on there is something to count from
FALSE_WEIGHT, SURELY = 0.5, 0.02
NEGLIGIBLE = 10.0  # in log-probability, below the best context, from which on another one is not looked at
NOTHING = -1e9


@dataclass(frozen=True)
class Piece:
    """What the traversal says of one instance.

    ``estimate`` of the number is None or not finite where there is none; ``completeness`` is the probability that the vertebra
    lies wholly in the scan, ``certainty`` the network's mean probability inside it, ``centre`` its centre of mass in mm; ``cut``
    tells whether it touches the scan's border;
    ``bone_above`` and ``bone_below`` tell whether the scan shows bone beyond it: the skull or the sacrum, or other vertebrae;
    ``large`` that it is much larger than the vertebrae next to it, as the sacrum is; ``identified`` is what the network of levels
    says of it, None without one.
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
        """How much the estimate counts."""
        known = self.estimate is not None and np.isfinite(self.estimate)
        return known * (1 - (1 - CUT_WEIGHT) * (1 - self._wholeness) * self.cut) * min(1.0, self.certainty)

    @property
    def _wholeness(self) -> float:
        """Completeness, which means nothing for what looks like a sacrum: it seldom fits into a patch."""
        sacral = self.large or (self.estimate is not None and self.estimate > SACRAL)
        return 1.0 if sacral else self.completeness

    @property
    def cost(self) -> float:
        """Log-probability that it is no vertebra."""
        incomplete = FALSE_CUT if self.cut else FALSE_INSIDE
        cost = incomplete + (FALSE - incomplete) * self._wholeness
        if self.identified is None:
            return cost
        share = float(np.clip(self.identified.kinds[NO_VERTEBRA], SURELY, 1 - SURELY))
        return cost + FALSE_WEIGHT * float(np.log(share / (1 - share)))


@dataclass(frozen=True)
class Numbering:
    """Numbers of all pieces, in their order.

    ``numbers`` are VerSe's, 0 for what is no vertebra; ``probabilities`` say how likely each number is; ``missed`` are the numbers
    that lie between those found; ``alternative`` is the second-best numbering where its probability is `ALTERNATIVE` or more, or
    something was assumed; ``counted`` tells that nothing was known and pieces were merely counted from the top; ``upside_down``
    that numbers grow upwards; ``disordered`` that estimates do not grow from top to bottom, as where a header is wrong;
    ``assumed`` that thoracic vertebrae were counted from below, with nothing to tell how many there are, and ``anchored`` that the
    scan shows where a region of the spine ends, both as far as a network of levels looked for it; ``evidence`` is the
    log-likelihood of all that is known, beside pieces that are none of a spine: of several searches that of the greatest is right.
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
        count = min(len(pieces), 24)
        numbers = [*range(1, count + 1), *[0] * (len(pieces) - count)]
        return Numbering(numbers, [0.0] * len(pieces), [], counted=True)
    upright = _Chain(pieces)
    slope = _slope(pieces)
    if slope >= 0:
        return replace(upright.numbering(), disordered=slope < RISING)
    turned = [replace(piece, bone_above=piece.bone_below, bone_below=piece.bone_above) for piece in pieces[::-1]]
    reversed_ = _Chain(turned)
    if reversed_.evidence + REVERSED > upright.evidence:
        return reversed_.numbering(upside_down=True)
    return replace(upright.numbering(), disordered=True)


def _slope(pieces: Sequence[Piece]) -> float:
    """Return by how much estimates grow from one piece to the next below, weighted; 1 where there are fewer than `FEW`."""
    known = [(place, piece.estimate, piece.weight) for place, piece in enumerate(pieces) if piece.weight]
    if len(known) < FEW:
        return 1.0
    place, estimate, weight = np.array(known).T
    place = place - np.average(place, weights=weight)
    return float(np.sum(weight * place * estimate) / np.sum(weight * place**2))


class _Chain:
    """The model's scores for one sequence of pieces.

    A context is a variant, a size of the person and a shift of the estimates; arrays are ``(contexts, places)``, a place being an
    index into the variant's sequence. Shifts of one variant and size, a group, follow each other. From one vertebra to the next
    variant and size stay, and the shift is drawn anew with the probability `DRIFT`.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        places = max(len(variant.numbers) for variant in VARIANTS)
        contexts = [(variant, size, shift) for variant in VARIANTS for size in SIZES for shift in SHIFTS]
        self.numbers, self.kinds = (np.zeros((len(contexts), places), int) for _ in range(2))
        levels, depths, self.errors = (np.full((len(contexts), places), value) for value in (0.0, 0.0, 1.0))
        for row, (variant, size, shift) in enumerate(contexts):
            count = len(variant.numbers)
            self.numbers[row, :count], self.kinds[row, :count] = variant.numbers, variant.kinds
            levels[row, :count] = variant.levels + shift * np.interp(variant.levels, *SHARED.T)
            self.errors[row, :count] = np.interp(variant.levels, *ERRORS.T)
            depths[row, :count] = variant.depths * size
        frequency = np.log([variant.frequency for variant in VARIANTS])
        self.shift_prior = _normalised(-np.abs(SHIFTS) / SHIFT)
        size_prior = _normalised(-0.5 * ((SIZES - 1) / SIZE_SD) ** 2)
        self.prior = (frequency[:, None, None] + size_prior[:, None] + self.shift_prior).ravel()
        self.usual = np.array([variant.is_usual_chest for variant, *_ in contexts])
        self.sacrum = self.numbers == SACRUM
        self.estimates = [self._estimate(piece, levels) for piece in pieces]
        self.costs = np.array([piece.cost for piece in pieces])
        self.first = np.arange(places) == 0
        self.last = np.roll(self.sacrum, -1, axis=1)
        self.steps = {(j, i): self._steps(pieces[j], pieces[i], depths) for i in range(len(pieces)) for j in self._before(i)}
        self._leave_out_negligible()
        self.forward = self._sweep(np.logaddexp)
        self.evidence = self.total = float(np.logaddexp.reduce(self._shares()))

    def _leave_out_negligible(self) -> None:
        """Keep the groups of contexts whose best path is within `NEGLIGIBLE` of the best with as usual a chest."""
        best = np.max([(score + self._ending(i)).max(1) for i, score in enumerate(self._sweep(np.maximum))], axis=0)
        least = np.where(self.usual, best[self.usual].max(), best[~self.usual].max()) - NEGLIGIBLE
        kept = np.repeat((best > least).reshape(-1, len(SHIFTS)).any(1), len(SHIFTS))
        self.numbers, self.prior, self.usual = self.numbers[kept], self.prior[kept], self.usual[kept]
        self.sacrum, self.last = self.sacrum[kept], self.last[kept]
        self.estimates = [estimate[kept] for estimate in self.estimates]
        self.steps = {pair: [score[kept] for score in scores] for pair, scores in self.steps.items()}

    def _shares(self) -> np.ndarray:
        """Return the log-likelihood of every context."""
        totals = [np.logaddexp.reduce(score + self._ending(i), axis=1) for i, score in enumerate(self.forward)]
        return np.logaddexp.reduce(totals, axis=0)

    def _leave_room_for_other_chests(self) -> None:
        """Make it no likelier that there are twelve thoracic vertebrae than it is in people."""
        shares = self._shares()
        usual, other = (np.logaddexp.reduce(shares[group]) for group in (self.usual, ~self.usual))
        if usual - other <= np.log(TWELVE / (1 - TWELVE)):
            return
        self.prior = self.prior + np.where(self.usual, np.log(TWELVE) - usual, np.log(1 - TWELVE) - other)
        self.forward = self._sweep(np.logaddexp)
        self.total = float(np.logaddexp.reduce(self._shares()))

    def numbering(self, upside_down: bool = False) -> Numbering:
        """Return the best path, its probabilities and the second-best one, in the order of the pieces from top to bottom."""
        marginals = self._marginals()
        best, missed = self._likeliest_path(marginals)
        assumed = any(piece.identified for piece in self.pieces) and _is_counted_from_below(best)
        if assumed:
            self._leave_room_for_other_chests()
            marginals = self._marginals()
            best, missed = self._likeliest_path(marginals)
        probabilities = [marginal.get(number, 0.0) for marginal, number in zip(marginals, best, strict=True)]
        alternative, chance = self._alternative(best, marginals)
        if assumed and not alternative:
            other = np.where(self.usual, NOTHING, 0.0)[:, None]
            alternative, chance = self._best_path({i: other for i in range(len(best))})[0], 1 - TWELVE
        if upside_down:
            best, probabilities, missed = best[::-1], probabilities[::-1], missed[::-1]
            alternative = alternative[::-1] if alternative else None
        probabilities, chance = [round(p, 4) for p in probabilities], round(chance, 4)
        return Numbering(
            best, probabilities, missed, alternative, chance, upside_down=upside_down,
            evidence=self.evidence, assumed=assumed, anchored=self._is_anchored(),
        )  # fmt: skip

    def _is_anchored(self) -> bool:
        """Tell whether the network of levels saw where a region of the spine ends; without one, nothing is known of it."""
        seen = [float(piece.identified.kinds[list(ENDS)].max()) for piece in self.pieces if piece.identified]
        return not seen or max(seen) >= SEEN

    def _before(self, i: int) -> range:
        """Pieces that may be the vertebra before piece ``i``."""
        return range(max(0, i - 1 - MOST_FALSE), i)

    def _estimate(self, piece: Piece, levels: np.ndarray) -> np.ndarray:
        """Log-likelihood of what the networks say at every place, 0 where it is perfect, and estimates are best."""
        identified = self._identified(piece)
        if not piece.weight:
            sacrum = 0.0 if piece.identified else NOTHING
            return np.where(self.numbers > 0, np.where(self.sacrum, sacrum, 0.0) + identified, NOTHING)
        fit = np.exp(-np.abs(piece.estimate - levels) / self.errors) / (2 * self.errors)
        outlier = OUTLIER / LEVELS
        best = (1 - OUTLIER) / (2 * ERRORS[:, 1].min()) + outlier
        score = np.log(np.where(self.sacrum, np.maximum(fit, 1e-9), (1 - OUTLIER) * fit + outlier)) - np.log(best)
        score = (
            piece.weight * (ESTIMATE_WEIGHT if piece.identified else 1.0) * score
            + LARGE * (piece.large & ~self.sacrum)
            + identified
        )
        return np.where(self.numbers > 0, score, NOTHING)

    def _identified(self, piece: Piece) -> np.ndarray | float:
        """Log-likelihood of what the network of levels says at every place, 0 where it is sure of it."""
        if piece.identified is None:
            return 0.0
        numbers, kinds = (np.log((1 - MISTAKEN) * p + MISTAKEN / len(p)) for p in vars(piece.identified).values())
        return NUMBER_WEIGHT * numbers[self.numbers - 1] + KIND_WEIGHT * kinds[self.kinds]

    def _steps(self, upper: Piece, lower: Piece, depths: np.ndarray) -> list[np.ndarray]:
        """Log-likelihood ratio of the distance of two pieces, by the number of vertebrae missed between them, at the lower's place.

        The ratio is to a piece that lies anywhere. Where places are not known only the vertebrae missed count.
        """
        scores = []
        seen = upper.centre is not None and lower.centre is not None
        certain = min(upper.completeness, lower.completeness)
        for missed in range(MOST_MISSED + 1):
            score = np.full(depths.shape, NOTHING)
            expected = depths[:, missed + 1 :] - depths[:, : -missed - 1]
            fit = np.zeros(expected.shape)
            if seen:
                distance = float(np.linalg.norm(np.subtract(upper.centre, lower.centre)))
                width = np.maximum(STEP_SD * (1.0 if missed else 2 - certain) * expected, 1e-3)
                fit = -0.5 * ((distance - expected) / width) ** 2 - np.log(width * np.sqrt(2 * np.pi) / STEP_RANGE)
                fit = np.maximum(fit, GAP_FLOOR if missed else STEP_FLOOR)
            score[:, missed + 1 :] = np.where(expected > 0, fit + missed * (MISSED if seen else MISSED_UNSEEN), NOTHING)
            scores.append(score)
        return scores

    def _starting(self, i: int) -> np.ndarray:
        return self.prior[:, None] + self.costs[:i].sum() + BONE_BEYOND * self.pieces[i].bone_above * self.first

    def _ending(self, i: int) -> np.ndarray:
        return self.costs[i + 1 :].sum() + BONE_BEYOND * self.pieces[i].bone_below * self.last

    def _between(self, j: int, i: int) -> float:
        return float(self.costs[j + 1 : i].sum() + INSIDE * (i - j - 1))

    def _arriving(self, left: Sequence[np.ndarray], j: int, i: int, missed: int) -> np.ndarray:
        """Scores of reaching every place with piece ``i`` when piece ``j`` was the vertebra before it; ``left`` are `_drifted`."""
        came = np.full(left[j].shape, NOTHING)
        came[:, missed + 1 :] = left[j][:, : -missed - 1]
        return came + self.steps[j, i][missed] + self._between(j, i)

    def _drifted(self, score: np.ndarray, combine: np.ufunc, backward: bool = False) -> np.ndarray:
        """Scores once the shift may have changed, from one vertebra to the next, or from the next one to it."""
        groups = score.reshape(-1, len(SHIFTS), score.shape[1])
        prior = self.shift_prior[:, None] + np.log(DRIFT)
        changed = combine.reduce(groups + prior * backward, axis=1, keepdims=True) + prior * (not backward)
        return combine(groups + np.log1p(-DRIFT), changed).reshape(score.shape)

    def _sweep(self, combine: np.ufunc, only: dict[int, np.ndarray] | None = None) -> list[np.ndarray]:
        """Return for every piece the score of all (``logaddexp``) or the best (``maximum``) ways to be there with it."""
        forward, left = [], []
        for i, estimate in enumerate(self.estimates):
            score = self._starting(i) + np.zeros(estimate.shape)
            for j in self._before(i):
                for missed in range(MOST_MISSED + 1):
                    score = combine(score, self._arriving(left, j, i, missed))
            forward.append(score + estimate + (only or {}).get(i, 0.0))
            left.append(self._drifted(forward[i], combine))
        return forward

    def _marginals(self) -> list[dict[int, float]]:
        """Return for every piece how likely each number is."""
        count = len(self.pieces)
        backward = [self._ending(i) + np.zeros(self.estimates[0].shape) for i in range(count)]
        for i in reversed(range(count)):
            for j in self._before(i):
                for missed in range(MOST_MISSED + 1):
                    reached = backward[i] + self.estimates[i] + self.steps[j, i][missed] + self._between(j, i)
                    left = np.full(reached.shape, NOTHING)
                    left[:, : -missed - 1] = self._drifted(reached, np.logaddexp, backward=True)[:, missed + 1 :]
                    backward[j] = np.logaddexp(backward[j], left)
        result = []
        for i in range(count):
            share = np.exp(self.forward[i] + backward[i] - self.total)
            table = {int(n): float(share[self.numbers == n].sum()) for n in np.unique(self.numbers) if n}
            table[0] = max(0.0, 1.0 - sum(table.values()))
            result.append(table)
        return result

    def _best_path(self, only: dict[int, np.ndarray] | None = None) -> tuple[list[int], list[int]]:
        """Return the number of every piece, 0 for none, and the numbers missed between them."""
        forward = self._sweep(np.maximum, only)
        totals = [score + self._ending(i) for i, score in enumerate(forward)]
        i = int(np.argmax([total.max() for total in totals]))
        context, place = np.unravel_index(int(totals[i].argmax()), totals[i].shape)
        left = [self._drifted(score, np.maximum) for score in forward]
        path, between = [0] * len(self.pieces), []
        while True:
            path[i] = int(self.numbers[context, place])
            choices = [(float(np.broadcast_to(self._starting(i), forward[i].shape)[context, place]), -1, 0)]
            for j in self._before(i):
                choices += [
                    (float(self._arriving(left, j, i, missed)[context, place]), j, missed) for missed in range(MOST_MISSED + 1)
                ]
            _, j, missed = max(choices)
            if j < 0:
                return path, between[::-1]
            between += [int(n) for n in self.numbers[context, place - missed : place]][::-1]
            i, place = j, place - missed - 1
            context = self._before_drift(forward[i][:, place], left[i][context, place], context)

    def _before_drift(self, score: np.ndarray, drifted: float, context: int) -> int:
        """Return the context from which the best path came; scores are those of one place."""
        if score[context] + np.log1p(-DRIFT) >= drifted:
            return context
        first = context - context % len(SHIFTS)
        return first + int(score[first : first + len(SHIFTS)].argmax())

    def _likeliest_path(self, marginals: list[dict[int, float]]) -> tuple[list[int], list[int]]:
        """Return the best path, or the one through the likeliest number of its least certain vertebra where that differs."""
        best, missed = self._best_path()
        doubtful = min((i for i, number in enumerate(best) if number), key=lambda i: marginals[i][best[i]])
        likeliest = max(marginals[doubtful], key=marginals[doubtful].__getitem__)
        if likeliest in (0, best[doubtful]):
            return best, missed
        return self._best_path({doubtful: np.where(self.numbers == likeliest, 0.0, NOTHING)})

    def _alternative(self, best: list[int], marginals: list[dict[int, float]]) -> tuple[list[int] | None, float]:
        """Return the best path on which the least certain vertebra has its second number, and that number's probability."""
        kept = [i for i, number in enumerate(best) if number]
        if not kept:
            return None, 0.0
        doubtful = min(kept, key=lambda i: marginals[i][best[i]])
        others = {number: p for number, p in marginals[doubtful].items() if number not in (0, best[doubtful])}
        second = max(others, key=others.__getitem__)
        if others[second] < ALTERNATIVE:
            return None, 0.0
        return self._best_path({doubtful: np.where(self.numbers == second, 0.0, NOTHING)})[0], others[second]


def _is_counted_from_below(numbers: Sequence[int]) -> bool:
    """Tell whether the uppermost vertebra stands in the chest below T1, so that nothing tells how many are above it."""
    first = next(number for number in numbers if number)
    return FIRST_THORACIC < level_of(first) < FIRST_LUMBAR


def _normalised(scores: np.ndarray) -> np.ndarray:
    """Turn log-scores into log-probabilities."""
    return scores - np.logaddexp.reduce(scores)
