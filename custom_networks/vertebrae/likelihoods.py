"""How well a place in the spine agrees with what is seen of one vertebra, and of two neighbours."""

import numpy as np

from .contexts import ERRORS, Contexts
from .pieces import Piece

IMPOSSIBLE = -1e9  # a log-likelihood
OUTLIER = 0.1  # share of estimates that say nothing; none for the sacrum, which must look like one
LEVELS = 26.0  # range of such an estimate
LARGE = -8.0  # log-likelihood ratio of a piece that is much larger than its neighbours, for a vertebra
# What the network of levels says of a piece: weights of its number and kind, as it errs for neighbours together, and the share of
# its answers that say nothing.
NUMBER_WEIGHT, KIND_WEIGHT, MISTAKEN = 0.3, 0.7, 0.02
ESTIMATE_WEIGHT = 0.5  # of what the search estimates, where the network of levels looked at the same vertebra
STEP_SD = 0.15  # of the distance of two neighbours, as a share of it
STEP_RANGE = 100.0  # mm over which the distance of a false piece to a vertebra is spread
# Log-likelihood ratio, least for one distance: deformed vertebrae may be far off, but a gap has to be seen.
STEP_FLOOR, GAP_FLOOR = -5.0, -15.0
MISSED, MISSED_UNSEEN = -3.5, -6.0  # log-probability of a vertebra that was not found, and where no distance tells of it
MOST_MISSED = 3  # in a row


def emission(piece: Piece, contexts: Contexts) -> np.ndarray:
    """Return the log-likelihood of what the networks say of a piece.

    An estimate is the number plus an error of its own and one that neighbours share (the context's shift); some estimates say
    nothing.

    Returns:
        ``(contexts, places)``; 0 where the networks are sure of it and estimates are best.
    """
    identified = _identified(piece, contexts)
    if not piece.weight:
        sacrum = 0.0 if piece.identified else IMPOSSIBLE
        return np.where(contexts.numbers > 0, np.where(contexts.sacrum, sacrum, 0.0) + identified, IMPOSSIBLE)
    fit = np.exp(-np.abs(piece.estimate - contexts.levels) / contexts.errors) / (2 * contexts.errors)
    outlier = OUTLIER / LEVELS
    best = (1 - OUTLIER) / (2 * ERRORS[:, 1].min()) + outlier
    score = np.log(np.where(contexts.sacrum, np.maximum(fit, 1e-9), (1 - OUTLIER) * fit + outlier)) - np.log(best)
    weight = piece.weight * (ESTIMATE_WEIGHT if piece.identified else 1.0)
    score = weight * score + LARGE * (piece.large & ~contexts.sacrum) + identified
    return np.where(contexts.numbers > 0, score, IMPOSSIBLE)


def _identified(piece: Piece, contexts: Contexts) -> np.ndarray | float:
    """Return the log-likelihood of what the network of levels says at every place, 0 where it is sure of it."""
    if piece.identified is None:
        return 0.0
    numbers, kinds = (np.log((1 - MISTAKEN) * p + MISTAKEN / len(p)) for p in vars(piece.identified).values())
    return NUMBER_WEIGHT * numbers[contexts.numbers - 1] + KIND_WEIGHT * kinds[contexts.kinds]


def transitions(upper: Piece, lower: Piece, contexts: Contexts) -> list[np.ndarray]:
    """Return the log-likelihood ratio of the distance of two pieces, to a piece that lies anywhere.

    Where the pieces' centres are not known only the vertebrae missed count.

    Returns:
        for 0 to `MOST_MISSED` vertebrae missed between the two ``(contexts, places)``, at the lower piece's place.
    """
    depths, scores = contexts.depths, []
    seen = upper.centre is not None and lower.centre is not None
    complete = min(upper.completeness, lower.completeness)
    for missed in range(MOST_MISSED + 1):
        score = np.full(depths.shape, IMPOSSIBLE)
        expected = depths[:, missed + 1 :] - depths[:, : -missed - 1]
        fit = np.zeros(expected.shape)
        if seen:
            distance = float(np.linalg.norm(np.subtract(upper.centre, lower.centre)))
            width = np.maximum(STEP_SD * (1.0 if missed else 2 - complete) * expected, 1e-3)
            fit = -0.5 * ((distance - expected) / width) ** 2 - np.log(width * np.sqrt(2 * np.pi) / STEP_RANGE)
            fit = np.maximum(fit, GAP_FLOOR if missed else STEP_FLOOR)
        score[:, missed + 1 :] = np.where(expected > 0, fit + missed * (MISSED if seen else MISSED_UNSEEN), IMPOSSIBLE)
        scores.append(score)
    return scores
