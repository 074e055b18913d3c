"""Train and score a bundle on folds, each in processes of its own."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.handlers.checkpoint import EARLY
from custom_networks.results.tables import write_rows
from custom_networks.results.write_result import write_json, write_result

from ..bundles import Bundle
from ..datasets.lesions import PRIORS, copy_priors, prior_masks
from ..layout.contents import contents, first_changed
from ..layout.data_list import read_list, write_data_list
from ..layout.split import SECTIONS
from ..weights.keeping import changed_since, check_begun, finish, read_begun, trained_on, write_begun
from ..weights.processes import ending_with, is_stopped
from ..weights.training import check_settings, first_weights, overlay_path, run_config
from .choosing import choose_nested
from .folds import Fold, make_folds, subject_of
from .spread import NO_SCORES, read_scores, score_names, score_table, shown, spread

TABLE = "crossvalidation.csv"
PAGE = "crossvalidation.md"  # the same for a README
OWN = ("dataset_dir", "output_dir", "ckpt", "section")  # ids that each fold has of its own
SCORED = "scored.json"  # beside a fold's scores: what made them


class CrossValidation:
    """All folds of a bundle on a data set, kept in a folder, so that what was interrupted goes on.

    A fold's folder ``fold_<name>`` holds its ``dataset``, its training ``run`` and its scores ``eval``, or ``eval_<id>_<value>``
    for each value of a setting that is chosen. Trainings that are done are kept, and scores of the same weights, settings, files.

    Args:
        bundle: what is trained.
        data: data set with ``dataset.json``.
        output: folder of the folds.
        folds: how many, or ``"subjects"``, see `make_folds`.
        subject: see `subject_of`.
        overlays: configs on top of ``train.json``, names in the bundle's ``configs`` or paths.
        settings: ids of the config and their values.
        jobs: folds that are trained at once.
        weights: folder of weights that were trained elsewhere on these folds, ``<fold>.pt``, or the folder of another
            cross-validation; nothing is trained then. Whether they saw what they are scored on is for their maker to know.
        choose: id of a setting and the values to choose from, for each fold by what the others leave out, see `choose_nested`.

    Raises:
        UserError: when there is no data set or it cannot be divided, see `make_folds`, when weights of a fold are missing, or when
            the folder holds other folds.
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
        weights: Path | None = None,
        choose: tuple[str, Sequence[str]] | None = None,
    ) -> None:
        self.bundle, self.data, self.output, self.jobs, self.subject = bundle, data, output, jobs, subject
        self.choice, self.values = choose or ("", [""])
        self.configs = ["configs/train.json", *(overlay_path(bundle, name) for name in overlays)]
        self.settings = settings or {}
        known = [*self.configs, "configs/evaluate.json"]
        check_settings(bundle, known, self.settings, OWN)
        check_settings(bundle, known, [self.choice] if self.choice else [], OWN, "--choose")
        self.content = read_list(data)
        self.folds = make_folds({name: self.content[name] for name in SECTIONS}, folds, subject)
        self.given = {} if weights is None else {fold.name: _given(weights, fold) for fold in self.folds}
        self._prepare()

    def run(self, tell: Callable[[str], None] = lambda text: None) -> Path:
        """Train and score all folds and write the table.

        Args:
            tell: called with a line for every step.

        Returns:
            the CSV file, a row a case.

        Raises:
            UserError: names the folds that failed and where they say why, after the others are done, or those of another recipe.
        """
        self._check_recipes()
        with ThreadPoolExecutor(self.jobs) as pool, ending_with(pool):
            done = list(pool.map(lambda fold: self._run(fold, tell), self.folds))
        failed = [fold.name for fold, good in zip(self.folds, done, strict=True) if not good]
        if failed:
            logs = ", ".join(str(self._folder(fold) / "log.txt") for fold in self.folds if fold.name in failed)
            raise UserError(f"{len(failed)} of {len(self.folds)} folds failed: {', '.join(failed)}.", f"Read {logs}.")
        tables = self.tables()
        chosen = choose_nested(tables)
        rows = [row for fold in self.folds for row in tables[chosen[fold.name]] if row["fold"] == fold.name]
        path = self.output / TABLE
        columns = list(dict.fromkeys(name for row in rows for name in row))
        write_result(path, lambda file: write_rows(file, columns, rows))
        write_result(self.output / PAGE, lambda file: file.write_text(page(rows), encoding="utf-8"))
        return path

    def weights(self) -> dict[str, Path]:
        """Return the weights of each fold that are there."""
        found = {fold.name: self.given.get(fold.name) or first_weights(self._folder(fold) / "run") for fold in self.folds}
        return {name: path for name, path in found.items() if path is not None}

    def tables(self) -> dict[str, list[dict[str, str]]]:
        """Return for each value of the setting that is chosen the rows of all folds; of none, those under an empty name."""
        return {value: [row for fold in self.folds for row in self._rows(fold, value)] for value in self.values}

    def _prepare(self) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        for fold in self.folds:
            folder = self._folder(fold) / "dataset"
            if (folder / "dataset.json").exists():
                there = json.loads((folder / "dataset.json").read_text())
                if any(there[name] != entries for name, entries in json.loads(json.dumps(fold.sections)).items()):
                    raise UserError(f"{self._folder(fold)}: holds other cases or labels.", "Choose another folder with -o.")
                continue
            folder.mkdir(parents=True, exist_ok=True)
            self._copy_priors(fold)
            write_data_list(folder, f"without {', '.join(fold.subjects)}", self.content.get("labels", {}), fold.sections)

    def _run(self, fold: Fold, tell: Callable[[str], None]) -> bool:
        weights = self.given.get(fold.name) or self._train(fold, tell)
        return weights is not None and all(self._score(fold, weights, value, tell) for value in self.values)

    def _train(self, fold: Fold, tell: Callable[[str], None]) -> Path | None:
        run, failed = self._folder(fold) / "run", False

        def train() -> bool:
            nonlocal failed
            if not any(run.glob("*.pt")):
                self._begin(fold)
            tell(f"fold {fold.name}: training on {len(fold.sections['training'])} cases")
            failed = not self._start("training", fold, self.configs, {"output_dir": run} | self.settings)
            return not failed

        weights = finish(run, train)
        if weights is None and not is_stopped():
            tell(f"fold {fold.name}: training {'failed' if failed else 'left no weights'}")
        return weights

    def _begin(self, fold: Fold) -> None:
        """Let a training go on from what another fold had before late data came, where it would have come to the same."""
        self._copy_priors(fold)  # they may have changed since the fold was made
        early_entries = [entry for entry in fold.sections["training"] if not entry.get("after")]
        made, early_files = self._recipe(self.settings) | {"early": early_entries}, self._files(fold, early_entries)
        for other in self.folds:
            early, begun = self._folder(other) / "run" / f"{EARLY}.pt", read_begun(self._folder(other))
            alike = begun | {"files": None} == made | {"files": None} and not changed_since(begun, early_files)
            if early.exists() and alike:
                write_result(self._folder(fold) / "run" / "checkpoint.pt", partial(shutil.copyfile, early))
                break
        write_begun(self._folder(fold), made, self._files(fold))

    def _check_recipes(self) -> None:
        """Demand that trainings, also those that are done, are of this recipe and of files as they are."""
        for fold in self.folds if not self.given else ():
            folder = self._folder(fold)
            score = f"; to score these weights as they are, add --weights {self.output}"
            check_begun(folder, [folder / "run"], self._recipe(self.settings), self._files(fold), score)

    def _files(self, fold: Fold, entries: Sequence[dict] | None = None) -> dict:
        everything = [*fold.sections["training"], *fold.sections["validation"]]
        return trained_on(self.data, everything if entries is None else entries, fold.subjects)

    def _copy_priors(self, fold: Fold) -> None:
        folder = self._folder(fold) / "dataset" / PRIORS
        shutil.rmtree(folder, ignore_errors=True)
        if prior_masks(self.data / PRIORS):
            copy_priors(self.data / PRIORS, folder, fold.subjects)

    def _recipe(self, settings: dict[str, str], configs: Sequence[str] = ()) -> dict:
        paths = [self.bundle.folder / name for name in [*self.configs, *configs]]  # an absolute path stays what it is
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        return {"configs": [path.name for path in paths], "digests": digests, "settings": settings}

    def _score(self, fold: Fold, weights: Path, value: str, tell: Callable[[str], None]) -> bool:
        settings = self.settings | ({self.choice: value} if self.choice else {})
        folder = self._eval(fold, value)

        def begin() -> None:
            tell(f"fold {fold.name}: scoring {len(fold.sections['test'])} cases{f', {self.choice} {value}' if self.choice else ''}")

        if not self.evaluate(fold, weights, folder, settings, begin):
            if not is_stopped():
                tell(f"fold {fold.name}: scoring failed")
            return False
        return True

    def evaluate(
        self,
        fold: Fold,
        weights: Path,
        folder: Path,
        settings: dict[str, str],
        begin: Callable[[], None],
        section: str = "test",
        overlays: Sequence[str] = (),
    ) -> bool:
        """Score weights on a section of a fold, unless scores of the same are there, and return whether there are some.

        Args:
            fold: of whose data.
            weights: a state dict.
            folder: of the scores.
            settings: ids of the config and their values.
            begin: called when scoring begins.
            section: of the fold's data.
            overlays: configs more.
        """
        configs = [*overlays, "configs/evaluate.json"]
        made = self._recipe(settings, configs) | {"weights": hashlib.sha256(weights.read_bytes()).hexdigest()}
        files, there = contents(fold.sections[section]), _read_json(folder / SCORED) or {}
        same = made | {"files": None} == there | {"files": None} and first_changed(there.get("files") or {}, files) is None
        if same and table_of(folder) is not None:
            return True
        begin()
        settings = settings | {"ckpt": weights.resolve(), "output_dir": folder, "section": section}
        if not self._start("evaluating", fold, [*self.configs, *configs], settings) or table_of(folder) is None:
            return False
        write_json(folder / SCORED, made | {"files": files})
        return True

    def _start(self, run_id: str, fold: Fold, configs: list[str], settings: dict) -> bool:
        settings = {"dataset_dir": (self._folder(fold) / "dataset").resolve()} | settings
        return run_config(self.bundle, run_id, configs, settings, self._folder(fold) / "log.txt", self.jobs)

    def _eval(self, fold: Fold, value: str) -> Path:
        return self._folder(fold) / (f"eval_{self.choice}_{value}" if self.choice else "eval")

    def _rows(self, fold: Fold, value: str) -> list[dict]:
        chosen = {f"chosen {self.choice}": f"{self.choice} = {value}"} if self.choice else {}
        rows = self.scores(self._eval(fold, value), fold.sections["test"])
        return [{"fold": fold.name, "subject": row["subject"]} | chosen | row for row in rows]

    def scores(self, folder: Path, entries: Sequence[dict]) -> list[dict[str, str]]:
        """Return the rows of a folder of scores, each with its ``subject``; what no subject is found in stands for itself.

        Raises:
            UserError: when not every entry was scored.
        """
        rows = read_scores(table_of(folder))
        if len(rows) != len(entries):
            raise UserError(f"{folder}: scores of {len(rows)} cases, where {len(entries)} are tested.", "Delete it, and run again.")
        subjects = [subject_of(entry, self.subject) for entry in entries]  # a report's rows are in the order of the cases
        return [{"subject": subject or row["case"]} | row for subject, row in zip(subjects, rows, strict=True)]

    def _folder(self, fold: Fold) -> Path:
        return self.output.resolve() / f"fold_{fold.name}"


def summary(table: Path) -> list[tuple[str, str]]:
    """Return for every score of a table its name and its spread over subjects."""
    return summarise(read_scores(table))


def summarise(rows: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    """Return for every score of rows with ``subject`` its name and its spread over subjects."""
    subjects = [row["subject"] for row in rows]
    return [(name, str(spread([float(row[name] or "nan") for row in rows], subjects, name))) for name in score_names(rows)]


def page(rows: Sequence[dict[str, str]]) -> str:
    """Return rows with ``subject`` as tables of Markdown for a README: the spread of every score, and each case."""
    names = score_names(rows)
    columns = ["fold", "subject", "case", *names]
    lines = [score_table(rows), "", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for row in rows:
        cells = [row[name] if name in NO_SCORES else shown(row[name]) for name in columns]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def table_of(folder: Path) -> Path | None:
    """Return the table of cases in a folder of scores."""
    return next((table for table in sorted(folder.glob("*.csv")) if read_scores(table)), None)


def _given(folder: Path, fold: Fold) -> Path:
    own = folder / f"{fold.name}.pt"
    found = own if own.is_file() else first_weights(folder / f"fold_{fold.name}" / "run")
    if found is None:
        raise UserError(f"{own}: no weights of fold {fold.name}.", "Give a folder with a file a fold, or one of crossvalidate.")
    return found


def _read_json(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
