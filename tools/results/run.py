"""One run of a `Segmenter` over many cases: its table, its page, and what became of each case."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.results.record import file_digest

from .finishing import CaseFinisher, FinishedCase, take_step
from .folder import locked, update_measures
from .measuring import measure_run
from .progress import Progress
from .report.page import ReportPage


class Run:
    """One run of a `Segmenter`: its results as they come, and what follows the last of them.

    Args:
        finisher: measures, draws and exports each case.
        weights: file of the weights; the page names its SHA-256.
        single_file: whether the page holds all of itself.
        on_progress: called with every result.
    """

    def __init__(self, finisher: CaseFinisher, weights: Path, single_file: bool, on_progress: Callable[[Progress], None]) -> None:
        self.finisher, self.on_progress = finisher, on_progress
        self.page = ReportPage(finisher.bundle, file_digest(weights), finisher.output, single_file)
        self.failed: list[CaseResult] = []  # before the first case
        self.results: list[CaseResult] = []

    @property
    def number(self) -> int:
        """The number of the case at hand, from 1."""
        return len(self.results) + 1

    def fail(self, result: CaseResult) -> None:
        """Take what was not found at all."""
        finished = self.finisher(result)
        self.failed.append(finished.result)
        self.page.add(finished.section)
        self.on_progress(Progress(result.name, 0, 0, 1.0, finished.result))

    def take(self, finished: FinishedCase, total: int) -> None:
        """Take a case that is done."""
        number = self.number
        self.page.add(finished.section)
        self.results.append(finished.result)
        self.on_progress(Progress(finished.result.name, number, total, 1.0, finished.result))

    def close(self, names: Sequence[str]) -> list[CaseResult]:
        """Measure what needs several cases, and write the table and the page; return all results.

        What cannot be written is a failed result of its own.

        Args:
            names: of the cases, in the order of their results.
        """
        problems: list[str] = []
        order = {name: place for place, name in enumerate(names)}
        results = self.failed + sorted(self.results, key=lambda result: order[result.name])
        done = [result for result in results if not result.error]
        kind, output, files, exists = self.finisher.kind, self.finisher.output, self.finisher.files, self.finisher.exists
        together = take_step(problems, None, "measured", lambda: measure_run(kind, list(map(files, done))))
        for name, rows in (together or {}).items():
            index = next(index for index, result in enumerate(results) if result.name == name)
            finished = self.finisher.describe(replace(results[index], measures=(*results[index].measures, *rows)))
            results[index] = finished.result
            self.page.add(finished.section)
        rows = [row for result in results for row in result.measures]
        with locked(output):
            take_step(problems, None, "", lambda: update_measures(output, rows, {result.name for result in done}, exists))
            take_step(problems, None, "", lambda: self.page.write(exists))
        return results + [CaseResult("summary", str(output), 0.0, problem) for problem in problems]
