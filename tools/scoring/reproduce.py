"""Print the numbers of a bundle's README beside what its weights score now."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.record import file_digest
from custom_networks.results.write_result import write_json

from ..benchmarks import COPIES
from ..benchmarks.situations import Tally, try_situations
from ..bundles import Bundle, environment
from ..phantoms.spine_situations import SITUATIONS
from ..weights.processes import run_logged
from .crossvalidate import TABLE
from .folds import subject_name
from .numbers import Entry, read_numbers, weights_folder
from .raw_heads import score_raw_heads
from .rescans import score_rescans
from .spread import Spread, read_scores, score_names, spread

ROOT = Path(__file__).resolve().parents[2]  # where ``python -m tools`` is found
MADE = "made.json"  # beside a data set: the words of the command that made it
PARTS = {
    "mean": "",
    "deviation": "standard deviation",
    "low": "interval from",
    "high": "interval to",
    "worst": "worst case",
    "count": "n",
}


@dataclass(frozen=True)
class Number:
    """A number of the README.

    Attributes:
        title: on what it was measured.
        name: score, and which part of its spread where that is not the mean.
        told: what the README says.
        found: what was measured now; None where it cannot be.
        tolerance: by how much they may differ.
        why_not: what is needed to measure it, else empty.
    """

    title: str
    name: str
    told: float
    found: float | None
    tolerance: float
    why_not: str = ""

    @property
    def holds(self) -> bool:
        """Whether what was found is what is told; True where nothing could be measured."""
        return self.found is None or abs(self.found - self.told) <= self.tolerance


def reproduce(
    bundle: Bundle, work: Path, data: Mapping[str, Path], tell: Callable[[str], None] = lambda text: None
) -> list[Number]:
    """Measure what ``docs/numbers.json`` of a bundle names, see `numbers.Entry`.

    Args:
        bundle: whose numbers.
        work: folder of data sets and scores; what is there is used again.
        data: name of a data set to its folder.
        tell: called with a line for every step.

    Returns:
        all numbers in their order; those that need training, data that were not given, or are of others, with the reason.

    Raises:
        UserError: when the bundle has no such list, a name of data is unknown, a step fails, or the folder holds a data set of
            other data.
    """
    entries = read_numbers(bundle)
    known = {name for entry in entries for name in entry.needed}
    if unknown := sorted(set(data) - known):
        raise UserError(f"--data {unknown[0]}: no data of {bundle.name}.", f"There are: {', '.join(sorted(known)) or 'none'}.")
    numbers = []
    for place, entry in enumerate(entries):
        found, why_not = {}, _why_not(entry, data)
        if not why_not:
            tell(f"{entry.title}: measuring")
            first = next(other for other, before in enumerate(entries) if before.same_data(entry))
            found = _measure(bundle, entry, work / f"{place:02d}", work / f"{first:02d}" / "data", data, tell)
        for key, told in entry.told().items():
            name, _, part = key.rpartition(".")
            if found and name not in found:
                scores = [score for score in found if ", " not in score]
                raise UserError(
                    f"{bundle.name}: no score {name!r}.", f"There are, for all or, as SCORE, CASE: {', '.join(scores)}."
                )
            value = getattr(found[name], part) if found else None
            shown = f"{name}, {PARTS[part]}" if PARTS[part] else name
            numbers.append(Number(entry.title, shown, told, value, entry.tolerance, why_not))
    return numbers


def _why_not(entry: Entry, data: Mapping[str, Path]) -> str:
    if entry.source is not None:
        return f"of others: {entry.source}"
    if entry.command is not None:
        return f"not measured again: {entry.command}"
    lacking = [f"--data {name}=FOLDER" for name in entry.needed if name not in data]
    return f"needs {' and '.join(lacking)}" if lacking else ""


def _measure(
    bundle: Bundle, entry: Entry, work: Path, dataset: Path, data: Mapping[str, Path], tell: Callable
) -> dict[str, Spread]:
    if entry.measure is not None:
        return MEASUREMENTS[entry.measure](bundle, entry, data.get(entry.data), work, tell)
    log = work / "log.txt"
    work.mkdir(parents=True, exist_ok=True)
    tools = [sys.executable, "-m", __package__.partition(".")[0]]
    if entry.phantom is not None:
        words = ["phantom", bundle.name, str(dataset.resolve()), *entry.phantom]
    else:
        source = [str(data[entry.data].resolve()) if word == "SOURCE" else word for word in entry.prepare]
        words = ["prepare", *source, str(dataset.resolve())]
    made = dataset.with_name(MADE)
    if not (dataset / "dataset.json").exists():
        _run([*tools, *words], ROOT, log)
        write_json(made, words)
    elif made.exists() and json.loads(made.read_text()) != words:
        raise UserError(f"{dataset}: was made of other data.", "Choose another folder with -o.")
    if entry.folds:
        options = ["--subject", entry.folds["subject"], "--weights", str(weights_folder(bundle, entry).resolve())]
        options += ["--folds", entry.folds["number"]] if "number" in entry.folds else []
        options += ["--choose", entry.folds["choose"]] if "choose" in entry.folds else []
        folders = [str(bundle.folder.resolve()), str(dataset.resolve()), "-o", str((work / "folds").resolve())]
        _run([*tools, "crossvalidate", *folders, *options], ROOT, log)
        return _spreads(read_scores(work / "folds" / TABLE), lambda row: row["subject"])
    configs = ["configs/train.json", *entry.overlays, "configs/evaluate.json"]
    settings = {
        "dataset_dir": dataset.resolve(),
        "output_dir": (work / "scores").resolve(),
        "section": entry.section,
    } | entry.settings
    if entry.member:
        settings["ckpt"] = _member(bundle.folder / "models" / "model.pt", entry.member, work)
    if entry.converted:
        settings["ckpt"] = work.resolve() / "converted.pt"
        published = data[entry.converted["data"]] / entry.converted["file"]
        words = ["convert-weights", entry.converted["source"], str(published.resolve()), "-o", str(settings["ckpt"]), "--overwrite"]
        _run([*tools, *words], ROOT, log)
    options = [str(text) for name, value in settings.items() for text in (f"--{name}", value)]
    _run([sys.executable, "-m", "monai.bundle", "run", "evaluating", "--config_file", str(configs), *options], bundle.folder, log)
    rows = read_scores(next(iter(sorted((work / "scores").glob("*.csv")))))
    return _spreads(rows, lambda row: (entry.subject and subject_name(row["case"], entry.subject)) or row["case"])


def _member(weights: Path, name: str, work: Path) -> Path:
    """Write the weights of one network of a `MeanNetwork` to a file of their own, and return its path."""
    import torch

    prefix, path = f"{name}.", work.resolve() / f"{name}.pt"
    states = torch.load(weights, map_location="cpu", weights_only=True)
    torch.save({key.removeprefix(prefix): state for key, state in states.items() if key.startswith(prefix)}, path)
    return path


def _spreads(rows: Sequence[Mapping[str, str]], subject: Callable[[Mapping[str, str]], str]) -> dict[str, Spread]:
    """Return for every score its spread, and as ``SCORE, CASE`` that of each case."""
    subjects, names = [subject(row) for row in rows], score_names(rows)
    found = {name: spread([float(row[name] or "nan") for row in rows], subjects, name) for name in names}
    return found | {f"{name}, {row['case']}": spread([float(row[name] or "nan")], [""]) for name in names for row in rows}


def _raw_heads(bundle: Bundle, entry: Entry, source: Path, work: Path, tell: Callable) -> dict[str, Spread]:
    rows = score_raw_heads(bundle, source, work, tell)
    return _spreads([{name: str(value) for name, value in row.items()} for row in rows], lambda row: row["subject"])


def _rescans(bundle: Bundle, entry: Entry, source: Path, work: Path, tell: Callable) -> dict[str, Spread]:
    weights = weights_folder(bundle, entry) if entry.folds else None
    found = score_rescans(bundle, source, weights, entry.subject, tell)
    nan = float("nan")
    return {f"{row.structure}, {row.measure}": Spread(row.pairs, row.variation, nan, nan, nan, row.worst) for row in found}


def _situations(bundle: Bundle, entry: Entry, source: None, work: Path, tell: Callable) -> dict[str, Spread]:
    """Return counts over the situations that ask for numbers; they take most of an hour, so those by these weights are kept."""
    folder = work / file_digest(bundle.folder / "models" / "model.pt")[:12]
    total = Tally("numbers asked for")
    for place, name in enumerate(name for name, situation in SITUATIONS.items() if situation.countable):
        path = folder / f"{place:02d}.json"
        if not path.exists():
            tell(f"{name}: {COPIES} phantoms")
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, vars(try_situations(bundle, COPIES, [name])[0]))
        total.add(Tally(**json.loads(path.read_text())))
    nan = float("nan")
    return {name: Spread(total.phantoms, value, nan, nan, nan, nan) for name, value in vars(total).items() if name != "situation"}


MEASUREMENTS = {"raw_heads": _raw_heads, "rescans": _rescans, "situations": _situations}


def _run(command: list[str], folder: Path, log: Path) -> None:
    with log.open("a", encoding="utf-8") as stream:
        code = run_logged(command, folder, stream, environment())
    if code:
        raise UserError(f"{' '.join(command[1:5])}: failed.", f"Read {log}.")
