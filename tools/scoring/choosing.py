"""Choose a setting for each fold by the cases that the other folds leave out."""

from collections.abc import Mapping, Sequence

import numpy as np

from .spread import main_score, spread


def choose_nested(tables: Mapping[str, Sequence[dict[str, str]]]) -> dict[str, str]:
    """Return for each fold the value that has the best mean over the subjects of all other folds.

    What a fold leaves out so has no say in its own setting, and the scores at the chosen values are those to expect elsewhere.

    Args:
        tables: value to the rows of all folds, with ``fold``, ``subject``, ``case`` and scores; `main_score` chooses, the highest
            mean over subjects wins, of equals the first.

    Returns:
        fold to value.
    """
    folds = list(dict.fromkeys(row["fold"] for rows in tables.values() for row in rows))
    name = main_score(next(iter(tables.values())))

    def mean(value: str, without: str) -> float:
        rows = [row for row in tables[value] if row["fold"] != without]
        found = spread([float(row[name] or "nan") for row in rows], [row["subject"] for row in rows]).mean
        return found if np.isfinite(found) else -np.inf

    return {fold: max(tables, key=lambda value: mean(value, fold)) for fold in folds}
