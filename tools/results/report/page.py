"""One page of a folder of results that holds all of itself."""

import datetime
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from custom_networks.results.write_result import write_result

from ...bundles import Bundle
from .section import BEGIN, END, CaseSection, templates

PLACE = "<!-- cases -->"


@dataclass(frozen=True)
class _Section:
    """A case's part of the page, and where its bytes are in the spool or in the page of an earlier run."""

    name: str
    source: str
    done: bool
    start: int
    length: int


class ReportPage:
    """``report.html``: each case's slices to scroll through, picture, measures, warnings and what made it.

    The page needs no other file and no network. Sections are kept in a temporary file, so memory holds one of them. Sections that
    other runs wrote into the page stay, as long as their results are there.

    Args:
        bundle: the bundle.
        weights: SHA-256 of the weights of this run.
    """

    def __init__(self, bundle: Bundle, weights: str) -> None:
        self.bundle, self.weights = bundle, weights
        self.sections: dict[str, _Section] = {}
        self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the page

    def add(self, section: CaseSection) -> None:
        """Add the section of a case; one that was added before is replaced."""
        start = self.spool.seek(0, 2)
        self.spool.write(section.content)
        self.sections[section.name] = _Section(section.name, section.source, section.done, start, len(section.content))

    def write(self, target: Path, exists: Callable[[str], bool]) -> None:
        """Write the page, with what other runs wrote into it.

        Args:
            target: the page.
            exists: tells whether the result of a case is there.
        """
        others = {s.name: s for s in _read(target) if s.name not in self.sections and _is_current(s, exists)}
        both = sorted([*others.values(), *self.sections.values()], key=lambda section: section.name)
        page = (
            templates()
            .get_template("report.html")
            .render(
                title=self.bundle.metadata["name"], facts=self._run(), done=sum(s.done for s in both), cases=len(both), place=PLACE
            )
        )
        head, tail = (part.encode() for part in page.split(PLACE))

        def assemble(path: Path) -> None:
            with path.open("wb") as stream:
                stream.write(head)
                for section in both:
                    stream.write(_bytes(section, target) if section.name in others else self._spooled(section))
                stream.write(tail)

        write_result(target, assemble)

    def _spooled(self, section: _Section) -> bytes:
        self.spool.seek(section.start)
        return self.spool.read(section.length)

    def _run(self) -> dict[str, str]:
        return {
            "bundle": f"{self.bundle.name} {self.bundle.version}",
            "weights": f"SHA-256 {self.weights}",
            "software": f"Python {platform.python_version()}, torch {torch.__version__}, monai {version('monai')}",
            "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads"
            + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"),
            "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "use": self.bundle.metadata["intended_use"],
        }


def _is_current(section: _Section, exists: Callable[[str], bool]) -> bool:
    """Tell whether a section of another run still says something true: its result is there, or its input that failed."""
    return exists(section.name) if section.done else Path(section.source).exists()


def _read(page: Path) -> Iterator[_Section]:
    """Yield the sections of a page that is there."""
    if not page.is_file():
        return
    with page.open("rb") as stream:
        mark, start = None, 0
        while line := stream.readline():
            if line.startswith(BEGIN):
                try:
                    mark, start = json.loads(line[len(BEGIN) : line.rindex(b"-->")]), stream.tell() - len(line)
                except ValueError:
                    mark = None
            elif line == END and isinstance(mark, dict) and mark.keys() >= {"name", "source", "done"}:
                yield _Section(str(mark["name"]), str(mark["source"]), bool(mark["done"]), start, stream.tell() - start)
                mark = None


def _bytes(section: _Section, page: Path) -> bytes:
    with page.open("rb") as stream:
        stream.seek(section.start)
        return stream.read(section.length)
