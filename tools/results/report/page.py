"""One page of a folder of results that holds all of itself."""

import base64
import datetime
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jinja2
import torch

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import plain
from custom_networks.results.record import file_digest, read_record
from custom_networks.results.write_result import write_result

from ...bundles import Bundle
from ..kinds import CaseFiles, ResultKind

MOST_ROWS = 60  # of measures a case
PLACE = "<!-- cases -->"
BEGIN, END = b"<!-- case ", b"<!-- /case -->\n"


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
        kind: of its results.
        weights: SHA-256 of the weights of this run.
    """

    def __init__(self, bundle: Bundle, kind: ResultKind, weights: str) -> None:
        self.bundle, self.kind, self.weights = bundle, kind, weights
        self.sections: dict[str, _Section] = {}
        self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the page
        self.templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)

    def add(self, result: CaseResult, files: CaseFiles) -> None:
        """Render the section of a case; one that was added before is replaced."""
        content = self.templates.get_template("case.html").render(self._facts(result, files))
        mark = {"name": result.name, "source": plain(result.source), "done": not result.error}
        # ASCII without angles and dashes, so that nothing in a name ends the comment
        escaped = json.dumps(mark).replace("-", "\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
        section = BEGIN + escaped.encode() + b" -->\n" + content.encode(errors="replace") + b"\n" + END
        start = self.spool.seek(0, 2)
        self.spool.write(section)
        self.sections[result.name] = _Section(result.name, mark["source"], mark["done"], start, len(section))

    def write(self, target: Path, exists: Callable[[str], bool]) -> None:
        """Write the page, with what other runs wrote into it.

        Args:
            target: the page.
            exists: tells whether the result of a case is there.
        """
        others = {s.name: s for s in _read(target) if s.name not in self.sections and _is_current(s, exists)}
        both = sorted([*others.values(), *self.sections.values()], key=lambda section: section.name)
        page = self.templates.get_template("report.html").render(
            title=self.bundle.metadata["name"], facts=self._run(), done=sum(s.done for s in both), cases=len(both), place=PLACE
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

    def _facts(self, result: CaseResult, files: CaseFiles) -> dict:
        """Return what the section shows."""
        record = read_record(files.result) if files.result.exists() else None
        rows = [row for row in result.measures if row["slice"] == ""]
        warnings = list(result.warnings)
        if result.skipped and record:
            warnings += [line for line in record["warnings"] if line not in warnings]
        if record and record["complete"] and record["result_sha256"] != file_digest(files.result):
            warnings.append("the result was changed after it was made")
        if len(rows) > MOST_ROWS:
            warnings.append(f"{len(rows) - MOST_ROWS} further rows stand in measures.csv")
        facts = {"name": result.name, "source": plain(result.source), "error": result.error, "skipped": result.skipped}
        facts |= {"seconds": result.seconds, "rows": rows[:MOST_ROWS], "warnings": warnings, "made": _made(record)}
        facts |= {"digest": (record or {}).get("input_sha256", ""), "picture": "", "slices": []}
        if not result.error:
            if self.kind.picture is not None and files.beside(self.kind.picture).exists():
                picture = base64.b64encode(files.beside(self.kind.picture).read_bytes()).decode()
                facts["picture"] = f"data:image/png;base64,{picture}"
            facts["slices"] = self.kind.slices(files)
        return facts


def _made(record: dict | None) -> str:
    """Return what made a result, as its record says."""
    if record is None:
        return ""
    settings = "".join(f", {name} {value}" for name, value in record["settings"].items())
    weights = f"weights {Path(record['weights']).name} SHA-256 {record['weights_sha256']}"
    return plain(f"{record['bundle']} {record['version']}, {weights}{settings}, {record['precision']}, {record['machine']}")


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
