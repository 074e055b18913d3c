"""Learn from people never seen how far a bundle's results can be trusted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from custom_networks.errors import UserError
from custom_networks.quality.features import distance
from custom_networks.quality.model import QualityModel, scaled
from custom_networks.results.write_result import write_result

from .judging import Judged
from .logistic import Logistic, fit, roc_area

SIGNS = {"sureness": 1, "sureness_worst": 1, "agreement": 1, "agreement_worst": 1, "numbers": 1, "shape": -1, "appearance": -1}
LEAST = 0.8  # Dice of a good result
VECTORS = ("shape", "appearance")
FLAGGED = 0.15  # share of the good results that may be called doubtful


@dataclass(frozen=True)
class Calibration:
    """What was learnt: the content of quality.json, and how it did on subjects that it was not learnt from."""

    content: dict
    least: float
    cases: int
    bad: int
    subjects: int
    area: float
    caught: float
    brier: float

    def __str__(self) -> str:
        caught, flagged = f"{100 * self.caught:.0f} %", f"{100 * FLAGGED:.0f} %"
        return (
            f"Probability that the Dice of all structures together is at least {self.least:g}. {self.cases} results of "
            f"{self.subjects} subjects, damaged copies among them, {self.bad} below; of subjects left out of the fit: area under "
            f"the ROC {self.area:.3f}, {caught} of the bad ones doubtful where {flagged} of the good ones are, "
            f"Brier score {self.brier:.3f}."
        )


def usual_vectors(judged: Sequence[Judged]) -> dict:
    """Return mean and deviation of the vectors of results in training."""
    return {
        name: usual_of(np.array([case.features[f"{name}_numbers"] for case in judged]))
        for name in VECTORS
        if f"{name}_numbers" in judged[0].features
    }


def usual_of(vectors: np.ndarray) -> dict[str, list[float]]:
    """Return mean and deviation of vectors, a row each; a deviation is at least 0.02 and 2 % of the mean."""
    deviation = vectors.std(0, ddof=1) if len(vectors) > 1 else np.zeros(vectors.shape[1])
    floor = np.maximum(0.02 * np.abs(vectors.mean(0)), 0.02)
    return {"mean": vectors.mean(0).round(4).tolist(), "deviation": np.maximum(deviation, floor).round(4).tolist()}


def calibrate(judged: Sequence[Judged], usual: dict, least: float = LEAST, basis: str = "") -> Calibration:
    """Fit the probability of a good Dice, of ``least`` or more; every subject is judged by a fit without it.

    Args:
        judged: the results.
        usual: vectors of results in training, as `usual_vectors` returns them.
        least: Dice of a good result.
        basis: what is to be said of the results, such as who they are of and what tried the fit.

    Raises:
        UserError: when there are fewer than two subjects, or no good or no bad results.
    """
    rows = [measures(case, usual) for case in judged]
    names = [name for name in SIGNS if name in rows[0]]
    table = np.array([[scaled(name, row[name]) for name in names] for row in rows])
    good = np.array([case.dice >= least for case in judged])
    subjects = np.array([case.subject for case in judged])
    if len(set(subjects)) < 2 or good.all() or not good.any():
        raise UserError(
            f"{len(set(subjects))} subjects, {good.sum()} good and {(~good).sum()} bad results: too few to calibrate.",
            "Give more cases, or more --copies.",
        )
    signs = [SIGNS[name] for name in names]
    left_out = np.empty(len(good))
    for subject in sorted(set(subjects)):
        mine = subjects == subject
        left_out[mine] = fit(table[~mine], good[~mine], signs)(table[mine])
    whole: Logistic = fit(table, good, signs)
    below = float(np.quantile(left_out[good], FLAGGED))
    bad = ~good
    result = Calibration(
        {},
        least,
        len(good),
        int(bad.sum()),
        len(set(subjects)),
        roc_area(left_out, good),
        float((left_out[bad] < below).mean()),
        float(np.mean((left_out - good) ** 2)),
    )
    result.content.update({
        "about": f"{result} {basis}".rstrip(),
        "least": least,
        "bias": round(whole.bias, 4),
        "weights": {name: round(float(weight), 4) for name, weight in zip(names, whole.weights, strict=True)},
        "usual": {name: round(float(np.median(column)), 4) for name, column in zip(names, table[good].T, strict=True)},
        "doubtful_below": round(below, 3),
        **usual,
    })  # fmt: skip
    return result


@dataclass(frozen=True)
class Check:
    """How a quality.json does on people that it was not learnt from."""

    least: float
    subjects: int
    good: int
    bad: int
    area: float
    caught: float
    doubtful_bad: float
    doubtful_good: float

    def __str__(self) -> str:
        least, share = f"{self.least:g}", 100 * (1 - FLAGGED)
        return (
            f"{self.good + self.bad} results of {self.subjects} subjects, {self.bad} with a Dice below {least}: area under the ROC "
            f"{self.area:.3f}, {100 * self.caught:.0f} % of the bad ones below {share:.0f} % of the good ones; called doubtful: "
            f"{100 * self.doubtful_bad:.0f} % of the bad and {100 * self.doubtful_good:.0f} % of the good ones."
        )


def check(judged: Sequence[Judged], content: Mapping, least: float | None = None) -> Check:
    """Judge results by a quality.json, and compare with their Dice; NaN where there are no good or no bad ones.

    Args:
        judged: the results.
        content: of the quality.json.
        least: Dice of a good result; that of the quality.json where it is None.

    Raises:
        UserError: when the quality.json gives no number, or there are no results.
    """
    model = QualityModel({**content, "doubts_only": False})
    found = [model(measures(case, content)) for case in judged]
    if not found or found[0].value is None:
        raise UserError("no quality to check.", "Calibrate the bundle first, without --check.")
    least = content.get("least", LEAST) if least is None else least
    values, doubtful = np.array([one.value for one in found]), np.array([one.doubtful for one in found])
    good = np.array([case.dice >= least for case in judged])
    below = np.quantile(values[good], FLAGGED) if good.any() else np.nan

    def share(flags: np.ndarray) -> float:
        return float(flags.mean()) if flags.size else float("nan")

    return Check(
        least, len({case.subject for case in judged}), int(good.sum()), int((~good).sum()), roc_area(values, good),
        share(values[~good] < below), share(doubtful[~good]), share(doubtful[good]),
    )  # fmt: skip


def measures(case: Judged, usual: Mapping) -> dict:
    """Return the measures of a result, distances from what is usual by these vectors."""
    return case.features | {
        name: distance(np.array(case.features[f"{name}_numbers"]), usual[name]) for name in VECTORS if name in usual
    }


def write_quality(path: Path, content: Mapping) -> None:
    """Write a quality.json, a line an entry."""
    lines = (f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    write_result(path, lambda target: target.write_text(text, encoding="utf-8"))
