"""Print the numbers of a bundle's README that need no training, beside what its weights score now."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from custom_networks.errors import UserError

from ..bundles import Bundle
from .spread import read_scores

NUMBERS = "numbers.json"  # in a bundle's docs
ROOT = Path(__file__).resolve().parents[2]  # where ``python -m tools`` is found
TOLERANCE = 0.002  # of a mean Dice between machines


@dataclass(frozen=True)
class Number:
    """A number of the README.

    Attributes:
        title: on what it was measured.
        name: column of the scores.
        told: what the README says.
        found: mean over the cases now; None where the data are not at hand.
        tolerance: by how much they may differ.
        needs: name of the data that are missing, else empty.
    """

    title: str
    name: str
    told: float
    found: float | None
    tolerance: float
    needs: str = ""

    @property
    def holds(self) -> bool:
        """Whether what was found is what is told; True where nothing could be measured."""
        return self.found is None or abs(self.found - self.told) <= self.tolerance


def reproduce(
    bundle: Bundle, work: Path, data: Mapping[str, Path], tell: Callable[[str], None] = lambda text: None
) -> list[Number]:
    """Measure what ``docs/numbers.json`` of a bundle names.

    An entry of the list has a ``title``; either ``phantom``, the options of ``axial phantom``, or ``prepare``, the arguments of
    ``axial prepare``, in which ``SOURCE`` stands for a folder that the user gives under the name ``data``; the ``section`` that is
    scored; perhaps ``overlays`` and ``settings`` of the run ``evaluating``; ``expected``, column of the scores to number; and
    perhaps a ``tolerance``.

    Args:
        bundle: whose numbers.
        work: folder of data sets and scores.
        data: name of a data set to its folder.
        tell: called with a line for every step.

    Raises:
        UserError: when the bundle has no such list, a name of data is unknown, or a step fails.
    """
    path = bundle.folder / "docs" / NUMBERS
    if not path.is_file():
        raise UserError(f"{bundle.name}: has no docs/{NUMBERS}.", "Its README says how each number was measured.")
    entries = json.loads(path.read_text())
    known = {entry["data"] for entry in entries if "data" in entry}
    if unknown := sorted(set(data) - known):
        raise UserError(f"--data {unknown[0]}: no data of {bundle.name}.", f"There are: {', '.join(sorted(known)) or 'none'}.")
    numbers = []
    for place, entry in enumerate(entries):
        tolerance = entry.get("tolerance", TOLERANCE)
        needs = entry["data"] if "data" in entry and entry["data"] not in data else ""
        found = {}
        if not needs:
            tell(f"{entry['title']}: measuring")
            found = _measure(bundle, entry, work / f"{place:02d}", data)
        for name, told in entry["expected"].items():
            if found and name not in found:
                raise UserError(f"{path}: no score {name!r}.", f"There are: {', '.join(found)}.")
            numbers.append(Number(entry["title"], name, told, found.get(name), tolerance, needs))
    return numbers


def _measure(bundle: Bundle, entry: dict, work: Path, data: Mapping[str, Path]) -> dict[str, float]:
    dataset, scores = work / "data", work / "scores"
    work.mkdir(parents=True, exist_ok=True)
    if not (dataset / "dataset.json").exists():
        if "phantom" in entry:
            command = ["phantom", bundle.name, str(dataset), *entry["phantom"]]
        else:
            command = ["prepare", *(str(data[entry["data"]].resolve()) if word == "SOURCE" else word for word in entry["prepare"])]
            command.append(str(dataset))
        _run([sys.executable, "-m", __package__.partition(".")[0], *command], ROOT, work)
    configs = ["configs/train.json", *entry.get("overlays", []), "configs/evaluate.json"]
    settings = {"dataset_dir": dataset.resolve(), "output_dir": scores.resolve(), "section": entry["section"]} | entry.get(
        "settings", {}
    )
    options = [str(text) for name, value in settings.items() for text in (f"--{name}", value)]
    _run([sys.executable, "-m", "monai.bundle", "run", "evaluating", "--config_file", str(configs), *options], bundle.folder, work)
    rows = read_scores(next(iter(sorted(scores.glob("*.csv")))))
    return {name: _mean([row[name] for row in rows]) for name in rows[0] if name != "case" and _is_number(rows[0][name])}


def _run(command: list[str], folder: Path, work: Path) -> None:
    with (work / "log.txt").open("a") as log:
        done = subprocess.run(command, cwd=folder, stdout=log, stderr=log)
    if done.returncode:
        raise UserError(f"{' '.join(command[1:5])}: failed.", f"Read {work / 'log.txt'}.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _mean(texts: list[str]) -> float:
    values = np.array([float(text) for text in texts])
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")
