"""Train and score a bundle on folds, each in processes of its own."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from custom_networks.cases.cases import case_name
from custom_networks.errors import UserError
from custom_networks.results.write_result import write_result

from ..bundles import Bundle
from ..layout.data_list import write_data_list
from ..layout.mixing import absolute
from .folds import Fold, make_folds, subject_of
from .spread import read_scores, spread

WEIGHTS = ("model_average.pt", "model.pt")  # the first that a training leaves is scored
TABLE = "crossvalidation.csv"


class CrossValidation:
    """All folds of a bundle on a data set, kept in a folder, so that what was interrupted goes on.

    A fold's folder ``fold_<name>`` holds its ``dataset``, its training ``run`` and its scores ``eval``. Trainings that are done and
    scores that are newer than their weights are kept.

    Args:
        bundle: what is trained.
        data: data set with ``dataset.json``.
        output: folder of the folds.
        folds: how many, or ``"subjects"``, see `make_folds`.
        subject: see `subject_of`.
        overlays: configs on top of ``train.json``, names in the bundle's ``configs`` or paths.
        settings: ids of the config and their values.
        jobs: folds that are trained at once.

    Raises:
        UserError: when there is no data set or it cannot be divided, see `make_folds`, or when the folder holds other folds.
    """

    def __init__(
        self,
        bundle: Bundle,
        data: Path,
        output: Path,
        folds: int | str,
        subject: str | None = None,
        overlays: Sequence[str] = (),
        settings: dict[str, str] | None = None,
        jobs: int = 1,
    ) -> None:
        self.bundle, self.output, self.jobs, self.subject = bundle, output, jobs, subject
        self.configs = ["configs/train.json", *map(self._overlay, overlays)]
        self.settings = settings or {}
        self.content = _read_list(data)
        self.folds = make_folds({name: self.content[name] for name in ("training", "validation", "test")}, folds, subject)
        self._prepare()

    def run(self, tell: Callable[[str], None] = lambda text: None) -> Path:
        """Train and score all folds and write the table.

        Args:
            tell: called with a line for every step.

        Returns:
            the CSV file, a row a case.

        Raises:
            UserError: names the folds that failed and where they say why, after the others are done.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            done = list(pool.map(lambda fold: self._run(fold, tell), self.folds))
        failed = [fold.name for fold, good in zip(self.folds, done, strict=True) if not good]
        if failed:
            logs = ", ".join(str(self._folder(fold) / "log.txt") for fold in self.folds if fold.name in failed)
            raise UserError(f"{len(failed)} of {len(self.folds)} folds failed: {', '.join(failed)}.", f"Read {logs}.")
        rows = [row for fold in self.folds for row in self._rows(fold)]
        path = self.output / TABLE
        write_result(path, lambda file: _write_rows(file, rows))
        return path

    def _prepare(self) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        for fold in self.folds:
            folder = self._folder(fold) / "dataset"
            wanted = {name: [case["image"] for case in entries] for name, entries in fold.sections.items()}
            if (folder / "dataset.json").exists():
                there = json.loads((folder / "dataset.json").read_text())
                if any([case["image"] for case in there[name]] != images for name, images in wanted.items()):
                    raise UserError(f"{self._folder(fold)}: holds a fold of other cases.", "Choose another folder with -o.")
                continue
            folder.mkdir(parents=True, exist_ok=True)
            write_data_list(folder, f"without {', '.join(fold.subjects)}", self.content.get("labels", {}), fold.sections)

    def _run(self, fold: Fold, tell: Callable[[str], None]) -> bool:
        folder = self._folder(fold)
        if not (folder / "run" / "done").exists():
            tell(f"fold {fold.name}: training on {len(fold.sections['training'])} cases")
            if not self._start("training", fold, self.configs, {"output_dir": folder / "run"} | self.settings):
                tell(f"fold {fold.name}: training failed")
                return False
            (folder / "run" / "done").touch()
        weights = next((folder / "run" / name for name in WEIGHTS if (folder / "run" / name).exists()), None)
        if weights is None:
            tell(f"fold {fold.name}: training left no weights")
            return False
        table = self._table(fold)
        if table is None or table.stat().st_mtime < weights.stat().st_mtime:
            tell(f"fold {fold.name}: scoring {len(fold.sections['test'])} cases")
            settings = self.settings | {"ckpt": weights, "output_dir": folder / "eval", "section": "test"}
            if not self._start("evaluating", fold, [*self.configs, "configs/evaluate.json"], settings) or not self._table(fold):
                tell(f"fold {fold.name}: scoring failed")
                return False
        return True

    def _start(self, run_id: str, fold: Fold, configs: list[str], settings: dict) -> bool:
        options = [str(text) for key, value in settings.items() for text in (f"--{key}", value)]
        dataset = ["--dataset_dir", str((self._folder(fold) / "dataset").resolve())]
        command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", str(configs), *dataset, *options]
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        with (self._folder(fold) / "log.txt").open("a") as log:
            environment = {"OMP_NUM_THREADS": threads} | os.environ
            return not subprocess.run(command, cwd=self.bundle.folder, stdout=log, stderr=log, env=environment).returncode

    def _table(self, fold: Fold) -> Path | None:
        tables = sorted((self._folder(fold) / "eval").glob("*.csv"))
        return next((table for table in tables if read_scores(table)), None)

    def _rows(self, fold: Fold) -> list[dict]:
        subjects = {}
        for entry in fold.sections["test"]:
            for key in ("image", "label"):
                if isinstance(entry[key], (str, list)):
                    file = entry[key] if isinstance(entry[key], str) else entry[key][0]
                    subjects[case_name(Path(file))] = subject_of(entry, self.subject)
        rows = read_scores(self._table(fold))
        return [{"fold": fold.name, "subject": subjects.get(row["case"], row["case"])} | row for row in rows]

    def _folder(self, fold: Fold) -> Path:
        return self.output.resolve() / f"fold_{fold.name}"

    def _overlay(self, name: str) -> str:
        for path in (self.bundle.folder / "configs" / name, self.bundle.folder / "configs" / f"{name}.json", Path(name)):
            if path.is_file():
                return str(path.resolve())
        raise UserError(f"--overlay {name}: no such config of {self.bundle.name}.", "Give a name in its folder configs, or a path.")


def summary(table: Path) -> list[tuple[str, str]]:
    """Return for every score of a table its name and its spread over subjects."""
    rows = read_scores(table)
    subjects = [row["subject"] for row in rows]
    result = []
    for name in (name for name in rows[0] if name not in ("fold", "subject", "case")):
        try:
            scores = [float(row[name]) if row[name] else float("nan") for row in rows]
        except ValueError:
            continue
        result.append((name, str(spread(scores, subjects))))
    return result


def _read_list(data: Path) -> dict:
    path = data / "dataset.json"
    if not path.is_file():
        raise UserError(f"{path}: not found.", "Make one with `axial prepare` or `axial phantom`.")
    try:
        content = json.loads(path.read_text())
        for section in ("training", "validation", "test"):
            entries = content.setdefault(section, [])
            content[section] = [entry | {key: absolute(data, entry[key]) for key in ("image", "label")} for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no data list ({error}).", "Make it anew with `axial prepare`.") from error
    return content


def _write_rows(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)
