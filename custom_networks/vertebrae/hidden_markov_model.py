"""The hidden Markov model of a spine: which pieces are vertebrae, and which ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .contexts import SHIFTS, all_contexts, shift_prior
from .likelihoods import IMPOSSIBLE, MOST_MISSED, emission, transitions
from .pieces import Piece
from .variants import TWELVE

DRIFT = (
    0.03  # probability that the shared error changes from one vertebra to the next: a network may be one too low in the neck alone
)
INSIDE, MOST_FALSE = -3.0, 2  # log-probability, in addition, of a false piece between two vertebrae; most of them in a row
BONE_BEYOND = 1.5  # log-odds that the sequence ends with C1, or the last lumbar vertebra, where the scan shows bone beyond it
NEGLIGIBLE = 10.0  # in log-probability, below the best context, from which on another one is not looked at

Allowed = dict[int, np.ndarray]
"""By piece: what is added to its scores, ``(contexts, places)`` or what broadcasts to it; `IMPOSSIBLE` forbids."""


class HiddenMarkovModel:
    """The scores of all ways to number pieces that are sorted from top to bottom.

    A state is a context (see `Contexts`) and a place, the vertebra that a piece is. From one vertebra to the next variant and size
    stay, and the shift of the estimates is drawn anew with the probability `DRIFT`. Pieces between, before and after vertebrae may
    be none.

    Args:
        pieces: of the scan, at least one.

    Attributes:
        evidence: log-likelihood of all that is known.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self._contexts = all_contexts()
        self._shift_prior = shift_prior()
        self._emissions = [emission(piece, self._contexts) for piece in pieces]
        self._costs = np.array([piece.cost for piece in pieces])
        self._transitions = {
            (j, i): transitions(pieces[j], pieces[i], self._contexts) for i in range(len(pieces)) for j in self._before(i)
        }
        self._leave_out_negligible()
        self._run()
        self.evidence = self._total

    def marginals(self) -> list[dict[int, float]]:
        """Return for every piece how likely each number is, 0 for no vertebra."""
        count, numbers = len(self.pieces), self._contexts.numbers
        backward = [self._ending(i) + np.zeros(numbers.shape) for i in range(count)]
        for i in reversed(range(count)):
            for j in self._before(i):
                for missed in range(MOST_MISSED + 1):
                    reached = backward[i] + self._emissions[i] + self._transitions[j, i][missed] + self._between(j, i)
                    left = np.full(reached.shape, IMPOSSIBLE)
                    left[:, : -missed - 1] = self._drifted(reached, np.logaddexp, backward=True)[:, missed + 1 :]
                    backward[j] = np.logaddexp(backward[j], left)
        result = []
        for i in range(count):
            share = np.exp(self._forward[i] + backward[i] - self._total)
            table = {int(n): float(share[numbers == n].sum()) for n in np.unique(numbers) if n}
            table[0] = max(0.0, 1.0 - sum(table.values()))
            result.append(table)
        return result

    def best_path(self, allowed: Allowed | None = None) -> tuple[list[int], list[int]]:
        """Return the number of every piece, 0 for none, and the numbers missed between them, by Viterbi's algorithm."""
        forward = self._sweep(np.maximum, allowed)
        totals = [score + self._ending(i) for i, score in enumerate(forward)]
        i = int(np.argmax([total.max() for total in totals]))
        context, place = np.unravel_index(int(totals[i].argmax()), totals[i].shape)
        left = [self._drifted(score, np.maximum) for score in forward]
        path, between = [0] * len(self.pieces), []
        while True:
            path[i] = int(self._contexts.numbers[context, place])
            choices = [(float(np.broadcast_to(self._starting(i), forward[i].shape)[context, place]), -1, 0)]
            for j in self._before(i):
                choices += [
                    (float(self._arriving(left, j, i, missed)[context, place]), j, missed) for missed in range(MOST_MISSED + 1)
                ]
            _, j, missed = max(choices)
            if j < 0:
                return path, between[::-1]
            between += [int(n) for n in self._contexts.numbers[context, place - missed : place]][::-1]
            i, place = j, place - missed - 1
            context = self._before_drift(forward[i][:, place], left[i][context, place], context)

    def best_path_with(self, piece: int, number: int) -> tuple[list[int], list[int]]:
        """Return the best path on which a piece has a number."""
        return self.best_path({piece: np.where(self._contexts.numbers == number, 0.0, IMPOSSIBLE)})

    def best_path_of_an_unusual_chest(self) -> tuple[list[int], list[int]]:
        """Return the best path of a person who has not twelve thoracic vertebrae."""
        other = np.where(self._contexts.usual, IMPOSSIBLE, 0.0)[:, None]
        return self.best_path({i: other for i in range(len(self.pieces))})

    def leave_room_for_unusual_chests(self) -> None:
        """Make it no likelier that there are twelve thoracic vertebrae than it is in people."""
        shares, usual = self._shares(), self._contexts.usual
        twelve, other = (np.logaddexp.reduce(shares[group]) for group in (usual, ~usual))
        if twelve - other <= np.log(TWELVE / (1 - TWELVE)):
            return
        prior = self._contexts.prior + np.where(usual, np.log(TWELVE) - twelve, np.log(1 - TWELVE) - other)
        self._contexts = replace(self._contexts, prior=prior)
        self._run()

    def _run(self) -> None:
        self._forward = self._sweep(np.logaddexp)
        self._total = float(np.logaddexp.reduce(self._shares()))

    def _leave_out_negligible(self) -> None:
        """Keep the groups of contexts whose best path is within `NEGLIGIBLE` of the best with as usual a chest."""
        usual = self._contexts.usual
        best = np.max([(score + self._ending(i)).max(1) for i, score in enumerate(self._sweep(np.maximum))], axis=0)
        least = np.where(usual, best[usual].max(), best[~usual].max()) - NEGLIGIBLE
        kept = np.repeat((best > least).reshape(-1, len(SHIFTS)).any(1), len(SHIFTS))
        self._contexts = self._contexts.kept(kept)
        self._emissions = [score[kept] for score in self._emissions]
        self._transitions = {pair: [score[kept] for score in scores] for pair, scores in self._transitions.items()}

    def _shares(self) -> np.ndarray:
        """Return the log-likelihood of every context."""
        totals = [np.logaddexp.reduce(score + self._ending(i), axis=1) for i, score in enumerate(self._forward)]
        return np.logaddexp.reduce(totals, axis=0)

    def _sweep(self, combine: np.ufunc, allowed: Allowed | None = None) -> list[np.ndarray]:
        """Return for every piece the score of all (``logaddexp``) or the best (``maximum``) ways to be there with it."""
        forward, left = [], []
        for i, seen in enumerate(self._emissions):
            score = self._starting(i) + np.zeros(seen.shape)
            for j in self._before(i):
                for missed in range(MOST_MISSED + 1):
                    score = combine(score, self._arriving(left, j, i, missed))
            forward.append(score + seen + (allowed or {}).get(i, 0.0))
            left.append(self._drifted(forward[i], combine))
        return forward

    def _before(self, i: int) -> range:
        """Return the pieces that may be the vertebra before piece ``i``."""
        return range(max(0, i - 1 - MOST_FALSE), i)

    def _starting(self, i: int) -> np.ndarray:
        """Return the scores of a first vertebra that is piece ``i``."""
        contexts = self._contexts
        return contexts.prior[:, None] + self._costs[:i].sum() + BONE_BEYOND * self.pieces[i].bone_above * contexts.first

    def _ending(self, i: int) -> np.ndarray:
        """Return the scores of a last vertebra that is piece ``i``."""
        return self._costs[i + 1 :].sum() + BONE_BEYOND * self.pieces[i].bone_below * self._contexts.last

    def _between(self, j: int, i: int) -> float:
        """Return the score of the false pieces between two vertebrae."""
        return float(self._costs[j + 1 : i].sum() + INSIDE * (i - j - 1))

    def _arriving(self, left: Sequence[np.ndarray], j: int, i: int, missed: int) -> np.ndarray:
        """Return the scores of every place of piece ``i`` when piece ``j`` was the vertebra before it; ``left`` are `_drifted`."""
        came = np.full(left[j].shape, IMPOSSIBLE)
        came[:, missed + 1 :] = left[j][:, : -missed - 1]
        return came + self._transitions[j, i][missed] + self._between(j, i)

    def _drifted(self, score: np.ndarray, combine: np.ufunc, backward: bool = False) -> np.ndarray:
        """Return the scores once the shift may have changed, from one vertebra to the next, or from the next one to it."""
        groups = score.reshape(-1, len(SHIFTS), score.shape[1])
        prior = self._shift_prior[:, None] + np.log(DRIFT)
        changed = combine.reduce(groups + prior * backward, axis=1, keepdims=True) + prior * (not backward)
        return combine(groups + np.log1p(-DRIFT), changed).reshape(score.shape)

    def _before_drift(self, score: np.ndarray, drifted: float, context: int) -> int:
        """Return the context from which the best path came; scores are those of one place."""
        if score[context] + np.log1p(-DRIFT) >= drifted:
            return context
        first = context - context % len(SHIFTS)
        return first + int(score[first : first + len(SHIFTS)].argmax())
