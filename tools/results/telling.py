"""Tell a console how a run goes: progress, failed cases, warnings."""

import logging
from collections import Counter

from rich import progress as bars
from rich.console import Console
from rich.text import Text

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import plain

from .progress import Progress

MOST = 5  # warnings of one case that are printed; the report has all


class Teller(logging.Handler):
    """Called with every `Progress` of a run: draws the progress, prints failed cases and, as they come,
    warnings with their case's name.

    Texts of users and files are printed as they are, without markup.

    Args:
        title: of the progress.
        console: where progress goes; None shows none.
        errors: where failed cases and warnings go; None prints none.

    Attributes:
        results: of the cases so far, as they came.
    """

    def __init__(self, title: str, console: Console | None, errors: Console | None) -> None:
        super().__init__(logging.WARNING)
        columns = (bars.TextColumn("{task.description}", markup=False), bars.BarColumn(), bars.TaskProgressColumn())
        quiet = console or Console(quiet=True)
        self.bar = bars.Progress(*columns, bars.MofNCompleteColumn(), bars.TimeRemainingColumn(), console=quiet)
        self.errors, self.title = errors, title
        self.task = self.bar.add_task(title, total=None)
        self.results: list[CaseResult] = []
        self.said: Counter[str] = Counter()
        self.heard: set[str] = set()
        self.name, self.named = "", False  # the case at hand, and whether it still is

    def __enter__(self) -> "Teller":
        logging.getLogger("axial").addHandler(self)
        self.bar.start()
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()
        logging.getLogger("axial").removeHandler(self)

    def __call__(self, progress: Progress) -> None:
        if progress.name != self.name:
            self.name = progress.name
            self.said.clear()
            self.heard.clear()
        done = progress.number - 1 + progress.share if progress.total else 0
        self.bar.update(self.task, total=progress.total or None, completed=done, description=f"{self.title} {progress.name}")
        self.named = progress.result is None
        if progress.result is not None:
            self.results.append(progress.result)
        if progress.result is not None and progress.result.error:
            self.say("failed:", "red", progress.result.error)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING and record.getMessage() not in self.heard:
            self.heard.add(record.getMessage())
            self.said["warnings"] += 1
            if self.said["warnings"] <= MOST:
                text = record.getMessage()
                named = not self.named or self.name in text.partition(": ")[0]  # most begin with the file
                self.say("warning:", "yellow", text if named else f"{self.name}: {text}")
            elif self.said["warnings"] == MOST + 1:
                self.say("warning:", "yellow", f"further ones of {self.name} stand in the report")

    def say(self, label: str, style: str, text: str) -> None:
        """Print one line."""
        if self.errors is not None:
            line = Text.assemble((label, style), " ", plain(text))
            (self.bar.console if self.errors is self.bar.console else self.errors).print(line, highlight=False, soft_wrap=True)
