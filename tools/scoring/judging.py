"""Results whose truth is known: of people never seen, of damaged copies of their scans, and of foreign images."""

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
from custom_networks.results.tables import as_cell, from_cell
from custom_networks.results.write_result import write_result

from ..api import Model
from ..datasets.folder import PASSED_OVER
from ..layout.data_list import read_entries
from ..synthesis.damage import damage
from .folds import subject_of

COLUMNS = ("subject", "damage", "dice")  # of a table of results; measures follow
WHOLE, FOREIGN, TRAINING = "none", "foreign", "training"  # in the place of a damage


@dataclass(frozen=True)
class Judged:
    """A result whose truth is known.

    Attributes:
        subject: who it is of; one that is left out takes all its results along.
        kind: of damage; `WHOLE` where there is none, `FOREIGN` of images where nothing is to be found, `TRAINING` of people that
            the weights saw, who say what is usual.
        dice: of all structures together.
        features: measures of the result, and vectors of them, as its record has them.
    """

    subject: str
    kind: str
    dice: float
    features: dict


def judge_cases(
    model: Model,
    folder: Path,
    entries: Sequence[dict],
    copies: int,
    seed: int,
    tell: Callable[[str], None],
    pattern: str | None = None,
    kind: str = WHOLE,
) -> Iterator[Judged]:
    """Segment cases and damaged copies of them, and compare with the truth; those with nothing found and nothing to find have none.

    Args:
        model: the bundle.
        folder: the data set.
        entries: of its data list.
        copies: damaged ones of each case.
        seed: of the damage.
        tell: called with progress and with cases that failed.
        pattern: names subjects, see `subject_of`.
        kind: of the undamaged images, see `Judged`.
    """
    most = max(map(int, model.bundle.classes))
    names = read_entries(folder, ()).get("labels", {})
    many = [value for value, name in names.items() if " or " in str(name) or name in ("anything", "sacrum")]
    open_ = [PASSED_OVER, *(int(value) for value in many if str(value).isdecimal())]
    for index, entry in enumerate(entries):
        paths = [entry["image"]] if isinstance(entry["image"], str) else entry["image"]
        files = [folder / path for path in paths if path]
        images, label = [_read(file) for file in files], _read(folder / entry["label"]).astype(np.int16)
        subject = subject_of(entry, pattern) or case_name(files[0])
        if kind == FOREIGN:
            label, subject = np.zeros_like(label), f"{folder.name} {subject}"
        rng = np.random.default_rng((seed, index))
        for copy in range(copies + 1):
            how, (spoiled, truth) = damage(images, label, rng) if copy else (kind, (images, label))
            with tempfile.TemporaryDirectory() as scratch:
                for file, image in zip(files, spoiled, strict=True):
                    _write(Path(scratch) / file.name, image, file)
                source = Path(scratch) / files[0].name if len(files) == 1 else Path(scratch)
                result = model.segment([source])[0]
            if result.error is not None:
                tell(f"{files[0].name}, {how}: {result.error}")
                continue
            mask = np.asarray(result.mask.dataobj).reshape(truth.shape)
            said = ~np.isin(truth, open_)
            score = _dice_together(np.where(said, mask, 0), np.where(said & (truth <= most), truth, 0))
            if score is None:
                tell(f"{files[0].name}, {how}: nothing found, nothing to find")
            else:
                yield Judged(subject, how, score, result.record["quality"]["features"])
        tell(f"{index + 1} of {len(entries)} cases")


def write_results(path: Path, judged: Sequence[Judged]) -> None:
    """Write a row a result: subject, damage, Dice, and its measures."""
    rows = [
        dict(zip(COLUMNS, (as_cell(case.subject), case.kind, round(case.dice, 4)), strict=True))
        | {name: value for name, value in case.features.items() if not isinstance(value, list)}
        | {name: json.dumps(value) for name, value in case.features.items() if isinstance(value, list)}
        for case in judged
    ]
    write_result(path, lambda target: pd.DataFrame(rows).to_csv(target, index=False))


def read_results(path: Path) -> list[Judged]:
    """Read a table that `write_results` wrote.

    Raises:
        UserError: when it is missing or no such table.
    """
    try:
        table = pd.read_csv(path, dtype={"subject": str, "damage": str}, keep_default_na=False, na_values=[""])
        heads = table[list(COLUMNS)].itertuples(index=False, name=None)
        rows = zip(heads, table.to_dict("records"), strict=True)
        return [Judged(from_cell(subject), *rest, _features(row)) for (subject, *rest), row in rows]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: not a table of results.", "Give one that `axial calibrate --table` wrote.") from error


def _features(row: dict) -> dict:
    values = {name: value for name, value in row.items() if name not in COLUMNS and not pd.isna(value)}
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in values.items()}


def _dice_together(mask: np.ndarray, truth: np.ndarray) -> float | None:
    """Return the Dice of all classes together, so that large ones count most; None where there are none."""
    size = np.count_nonzero(mask) + np.count_nonzero(truth)
    return 2 * np.count_nonzero((mask == truth) & (truth > 0)) / size if size else None


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
