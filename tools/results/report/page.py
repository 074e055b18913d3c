"""The page of a folder of results."""

import base64
import datetime
import json
import platform
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote

import torch

from custom_networks.results.write_result import write_result

from ...bundles import Bundle
from ..folder import REPORT_FILES
from .case_data import as_script, data_of, embed
from .section import BEGIN, END, FORMAT, SECTION_END, CaseSection, data_file, templates

PLACE = "<!-- cases -->"
MARK = {"name", "source", "done"}  # what is said of a section before it
PICTURE = b'<img class="picture"'
DATA, DATA_END = b'<script type="application/json" class="data">', b"</script>\n"
SCRIPTS = ("scan", "niivue_view", "slice_view", "viewer", "areas", "marks", "case_page", "case_list", "main")


@dataclass(frozen=True)
class _Section:
    """A case's part of the page, and where its bytes are in the spool or in the page of an earlier run."""

    name: str
    source: str
    done: bool
    start: int
    length: int


class ReportPage:
    """``report.html``: a list of all cases, and of each its images in three planes and 3D, measures, warnings and what made it.

    Images of a case are in a file of its own in ``report_files``, which the page loads when the case is opened; a page of a single
    file holds them all. Neither needs a network. Sections are kept in a temporary file, so memory holds one of them. Sections that
    other runs wrote into the page stay, as long as their results are there.

    Args:
        bundle: the bundle.
        weights: SHA-256 of the weights of this run.
        folder: of the results.
        single_file: whether the page holds all of itself.
    """

    def __init__(self, bundle: Bundle, weights: str, folder: Path, single_file: bool = False) -> None:
        self.bundle, self.weights, self.single_file = bundle, weights, single_file
        self.target, self.files = folder / "report.html", folder / REPORT_FILES
        self.sections: dict[str, _Section] = {}
        self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the page

    def add(self, section: CaseSection) -> None:
        """Add the section of a case; one that was added before is replaced."""
        start = self.spool.seek(0, 2)
        self.spool.write(section.content)
        self.sections[section.name] = _Section(section.name, section.source, section.done, start, len(section.content))

    def write(self, exists: Callable[[str], bool]) -> None:
        """Write the page, with what other runs wrote into it.

        Args:
            exists: tells whether the result of a case is there.
        """
        others = {}
        for section in _read(self.target):
            if section.name not in self.sections:
                if _is_current(section, exists):
                    others[section.name] = section
                else:
                    self._data_file(section.name).unlink(missing_ok=True)
        both = sorted([*others.values(), *self.sections.values()], key=lambda section: section.name)
        head, tail = (part.encode() for part in self._frame(both).split(PLACE))

        def assemble(path: Path) -> None:
            with path.open("wb") as stream:
                stream.write(head)
                for section in both:
                    stream.writelines(self._whole(section, section.name in others))
                stream.write(tail)

        if not self.single_file:
            self._write_viewer()
        write_result(self.target, assemble)
        if self.single_file:
            self._remove_files(both)

    def _frame(self, sections: list[_Section]) -> str:
        folder = Path(__file__).parent
        return (
            templates()
            .get_template("report.html")
            .render(
                title=self.bundle.metadata["name"],
                facts=self._run(),
                done=sum(section.done for section in sections),
                cases=len(sections),
                place=PLACE,
                nonce=secrets.token_urlsafe(16),
                style=(folder / "style.css").read_text(encoding="utf-8"),
                script="\n".join((folder / "script" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
                settings=embed({"bundle": self.bundle.name, "files": REPORT_FILES}),
                viewer=_viewer() if self.single_file else "",
            )
        )

    def _whole(self, section: _Section, other: bool) -> Iterator[bytes]:
        """Yield the lines of a section: with its data where the page is to be a single file, else without."""
        held = None
        for line in _lines(section, self.target) if other else self._spooled(section):
            if line.startswith(DATA):
                held = line
            elif line.startswith(PICTURE):
                yield self._shown(line)
            elif line == SECTION_END:
                yield from self._embedded(section.name, held)
                yield line
            else:
                yield line

    def _embedded(self, name: str, held: bytes | None) -> Iterator[bytes]:
        file = self._data_file(name)
        if self.single_file:
            if file.exists():
                yield DATA + data_of(file.read_bytes(), name) + DATA_END
            elif held is not None:
                yield held
        elif held is not None and not file.exists():
            data = json.loads(held.removeprefix(DATA).removesuffix(DATA_END))
            write_result(file, lambda path: path.write_bytes(as_script(name, data)))

    def _shown(self, line: bytes) -> bytes:
        """Return the line of a picture with its address, or with the picture itself where the page is to be a single file."""
        address = re.search(rb' data-file="([^"]*)"', line).group(1)
        file = self.target.with_name(Path(unquote(address.decode())).name)
        if self.single_file and file.suffix == ".png" and file.is_file():
            address = b"data:image/png;base64," + base64.b64encode(file.read_bytes())
        return re.sub(rb' src="[^"]*"', b' src="' + address + b'"', line)

    def _spooled(self, section: _Section) -> list[bytes]:
        self.spool.seek(section.start)
        return self.spool.read(section.length).splitlines(keepends=True)

    def _data_file(self, name: str) -> Path:
        return data_file(self.target.parent, name)

    def _write_viewer(self) -> None:
        target, content = self.files / "niivue.js", _viewer().encode()
        if not target.exists() or target.stat().st_size != len(content):
            write_result(target, lambda path: path.write_bytes(content))

    def _remove_files(self, sections: list[_Section]) -> None:
        """Remove what the page holds itself now; a run that goes on at the same time keeps its cases."""
        (self.files / "niivue.js").unlink(missing_ok=True)
        for section in sections:
            self._data_file(section.name).unlink(missing_ok=True)
        for folder in (self.files / "cases", self.files):
            with suppress(OSError):
                folder.rmdir()

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


def _viewer() -> str:
    """Return NiiVue's JavaScript with the licences of what is in it."""
    folder = Path(__file__).parent / "vendor"
    licences, script = ((folder / name).read_text(encoding="utf-8") for name in ("LICENSES.txt", "niivue.umd.js"))
    return f"/*\n{licences}*/\n{script}"


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
            elif line == END and _is_mark(mark):
                yield _Section(str(mark["name"]), str(mark["source"]), bool(mark["done"]), start, stream.tell() - start)
                mark = None


def _is_mark(mark: object) -> bool:
    """Tell whether a page's word on one of its sections is ours; a name is that of files beside the page and of no others."""
    if not (isinstance(mark, dict) and mark.get("format") == FORMAT and mark.keys() >= MARK):
        return False
    return isinstance(mark["name"], str) and not set(mark["name"]) & set("/\\\0")


def _lines(section: _Section, page: Path) -> Iterator[bytes]:
    with page.open("rb") as stream:
        stream.seek(section.start)
        while stream.tell() < section.start + section.length:
            yield stream.readline()
