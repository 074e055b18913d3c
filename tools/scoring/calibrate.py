"""Learn from people never seen how far a bundle's results can be trusted."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from PIL import Image

from custom_networks.cases.cases import case_name
from custom_networks.cases.suffixes import PICTURE_SUFFIXES
from custom_networks.errors import UserError
from custom_networks.quality.features import distance
from custom_networks.quality.model import scaled
from custom_networks.results.write_result import write_result

from ..api import Model
from ..datasets.folder import PASSED_OVER
from ..synthesis.damage import damage
from .folds import subject_of
from .logistic import Logistic, fit, roc_area

SIGNS = {"sureness": 1, "sureness_worst": 1, "agreement": 1, "agreement_worst": 1, "numbers": 1, "shape": -1, "appearance": -1}
VECTORS = ("shape", "appearance")
FLAGGED = 0.15  # share of the good results that may be called doubtful


@dataclass(frozen=True)
class Judged:
    """A result whose truth is known."""

    subject: str
    kind: str
    dice: float
    features: dict
    value: float | None = None  # the quality that quality.json of today gives
    doubtful: bool = False


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
        return (
            f"Probability that the Dice of all structures together is at least {self.least:g}. {self.cases} results of "
            f"{self.subjects} people, damaged copies among them, {self.bad} below; of people left out of the fit: area under the "
            f"ROC {self.area:.3f}, {100 * self.caught:.0f} % of the bad ones doubtful where {100 * FLAGGED:.0f} % of the good ones "
            f"are, Brier score {self.brier:.3f}."
        )


def run_cases(
    model: Model,
    folder: Path,
    entries: Sequence[dict],
    copies: int,
    seed: int,
    tell: Callable[[str], None],
    pattern: str | None = None,
) -> Iterator[Judged]:
    """Segment cases and damaged copies of them, and compare with the truth; the pattern names subjects, see `subject_of`."""
    most = max(map(int, model.bundle.classes))
    names = json.loads((folder / "dataset.json").read_text(encoding="utf-8")).get("labels", {})
    open_ = [PASSED_OVER, *(int(value) for value, name in names.items() if " or " in name or name == "anything")]
    for index, entry in enumerate(entries):
        paths = [entry["image"]] if isinstance(entry["image"], str) else entry["image"]
        files = [folder / path for path in paths if path]
        images, label = [_read(file) for file in files], _read(folder / entry["label"]).astype(np.int16)
        subject = subject_of(entry, pattern) or case_name(files[0])
        rng = np.random.default_rng((seed, index))
        for copy in range(copies + 1):
            kind, (spoiled, truth) = damage(images, label, rng) if copy else ("none", (images, label))
            with tempfile.TemporaryDirectory() as scratch:
                for file, image in zip(files, spoiled, strict=True):
                    _write(Path(scratch) / file.name, image, file)
                source = Path(scratch) / files[0].name if len(files) == 1 else Path(scratch)
                result = model.segment([source])[0]
            if result.error is not None:
                tell(f"{files[0].name}, {kind}: {result.error}")
                continue
            mask = np.asarray(result.mask.dataobj).reshape(truth.shape)
            score = _dice_together(np.where(np.isin(truth, open_), 0, mask), np.where(truth <= most, truth, 0))
            quality = result.record["quality"]
            yield Judged(subject, kind, score, quality["features"], quality.get("value"), quality.get("doubtful", False))
        tell(f"{index + 1} of {len(entries)} cases")


def usual_vectors(judged: Sequence[Judged]) -> dict:
    """Return mean and deviation of the vectors of results in training."""
    found = {}
    for name in (name for name in VECTORS if f"{name}_numbers" in judged[0].features):
        vectors = np.array([case.features[f"{name}_numbers"] for case in judged])
        deviation = vectors.std(0, ddof=1) if len(vectors) > 1 else np.zeros(vectors.shape[1])
        floor = np.maximum(0.02 * np.abs(vectors.mean(0)), 0.02)
        found[name] = {"mean": vectors.mean(0).round(4).tolist(), "deviation": np.maximum(deviation, floor).round(4).tolist()}
    return found


def calibrate(judged: Sequence[Judged], usual: dict, least: float = 0.8) -> Calibration:
    """Fit the probability of a good Dice, of ``least`` or more; every subject is judged by a fit without it.

    Raises:
        UserError: when there are fewer than two subjects, or no good or no bad results.
    """
    rows = [
        {**case.features, **{name: distance(np.array(case.features[f"{name}_numbers"]), usual[name]) for name in usual}}
        for case in judged
    ]
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
        "about": str(result),
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
            f"{self.good + self.bad} results of {self.subjects} people, {self.bad} with a Dice below {least}: area under the ROC "
            f"{self.area:.3f}, {100 * self.caught:.0f} % of the bad ones below {share:.0f} % of the good ones; called doubtful: "
            f"{100 * self.doubtful_bad:.0f} % of the bad and {100 * self.doubtful_good:.0f} % of the good ones."
        )


def check(judged: Sequence[Judged], least: float = 0.8) -> Check:
    """Compare the quality that results got with their Dice; NaN where there are no good or no bad ones.

    Raises:
        UserError: when the bundle gives no quality.
    """
    if not judged or any(case.value is None for case in judged):
        raise UserError("no quality to check.", "Calibrate the bundle first, without --check.")
    values, doubtful = np.array([case.value for case in judged]), np.array([case.doubtful for case in judged])
    good = np.array([case.dice >= least for case in judged])
    below = np.quantile(values[good], FLAGGED) if good.any() else np.nan

    def share(flags: np.ndarray) -> float:
        return float(flags.mean()) if flags.size else float("nan")

    return Check(
        least, len({case.subject for case in judged}), int(good.sum()), int((~good).sum()), roc_area(values, good),
        share(values[~good] < below), share(doubtful[~good]), share(doubtful[good]),
    )  # fmt: skip


def write_cases(path: Path, judged: Sequence[Judged]) -> None:
    """Write a row a result: subject, damage, Dice, and its measures."""
    rows = [
        {"subject": case.subject, "damage": case.kind, "dice": round(case.dice, 4)}
        | ({} if case.value is None else {"quality": case.value})
        | {name: value for name, value in case.features.items() if not isinstance(value, list)}
        | {name: json.dumps(value) for name, value in case.features.items() if isinstance(value, list)}
        for case in judged
    ]
    write_result(path, lambda target: pd.DataFrame(rows).to_csv(target, index=False))


def _dice_together(mask: np.ndarray, truth: np.ndarray) -> float:
    """Return the Dice of all classes together, so that large ones count most; 1 where there are none."""
    size = np.count_nonzero(mask) + np.count_nonzero(truth)
    return 2 * np.count_nonzero((mask == truth) & (truth > 0)) / size if size else 1.0


def _read(path: Path) -> np.ndarray:
    if path.name.lower().endswith(PICTURE_SUFFIXES):
        with Image.open(path) as picture:
            return np.asarray(picture if picture.mode in ("I;16", "I", "F", "P") else picture.convert("L")).T
    return np.asarray(nibabel.load(path).dataobj)


def _write(path: Path, array: np.ndarray, like: Path) -> None:
    if path.name.lower().endswith(PICTURE_SUFFIXES):
        low, high = float(array.min()), float(array.max())
        scaled = (np.asarray(array, np.float32) - low) * (255 / ((high - low) or 1))
        Image.fromarray(scaled.T.round().astype(np.uint8)).save(path)
    else:
        original = nibabel.load(like)
        nibabel.save(nibabel.Nifti1Image(np.asarray(array, np.float32), original.affine), path)
