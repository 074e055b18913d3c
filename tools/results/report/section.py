"""A case's section of the report, and its data beside the page."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import jinja2

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import plain
from custom_networks.results.record import file_digest, quality_of, read_record, record_path
from custom_networks.results.write_result import write_result

from ..folder import REPORT_FILES
from ..kinds import CaseFiles, ResultKind
from .case_data import as_script, case_data
from .thumbnail import thumbnail

MOST_ROWS = 60  # of measures a case, on the page itself
FORMAT = 3  # of the sections; those of another format are not kept
BEGIN, SECTION_END, END = b"<!-- case ", b"</section>\n", b"<!-- /case -->\n"
ALONGSIDE = {  # what the page links to, by how its name goes on after the case's
    "_seg.json": "description", "_ctd.json": "centroids", "_centroids.mrk.json": "markups", "_seg.dcm": "DICOM Segmentation",
    ".seg.nrrd": "segmentation for Slicer", "_probability.nii.gz": "probability", "_entropy.nii.gz": "entropy",
}  # fmt: skip


@dataclass(frozen=True)
class CaseSection:
    """A case's part of the page: HTML between two marks that tell what it is of."""

    name: str
    source: str
    done: bool
    content: bytes


class SectionWriter:
    """Write sections: warnings, measures, links, what made a result; its images and further measures into a file of their own.

    Args:
        kind: of the results.
        folder: of the results.
        hounsfield: whether intensities are Hounsfield units.
    """

    def __init__(self, kind: ResultKind, folder: Path, hounsfield: bool = False) -> None:
        self.kind, self.folder, self.hounsfield = kind, folder, hounsfield

    def write(self, result: CaseResult, files: CaseFiles) -> CaseSection:
        """Return the section of a case, whose data are written."""
        view = None if result.error else self.kind.view(files)
        rows, further = _share_rows(result.measures)
        content = (
            templates()
            .get_template("case.html")
            .render(
                self._facts(result, files, rows),
                thumbnail=view and thumbnail(view),
                links=list(_links(files, self.kind, result)),
                data=self._write_data(result.name, case_data(view, further, files.classes, self.hounsfield)),
            )
        )
        mark = {"name": result.name, "source": plain(result.source), "done": not result.error}
        # ASCII without angles and dashes, so that nothing in a name ends the comment
        escaped = json.dumps(mark | {"format": FORMAT}).replace("-", "\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
        section = BEGIN + escaped.encode() + b" -->\n" + content.encode(errors="replace") + b"\n" + END
        return CaseSection(**mark, content=section)

    def _write_data(self, name: str, data: dict) -> bool:
        file = data_file(self.folder, name)
        if not data["rows"] and "view" not in data:
            file.unlink(missing_ok=True)
            return False
        write_result(file, lambda path: path.write_bytes(as_script(name, data)))
        return True

    def _facts(self, result: CaseResult, files: CaseFiles, rows: list[dict]) -> dict:
        """Return what the section tells."""
        record = read_record(files.result) if files.result.exists() else None
        told = [*result.warnings, *(record["warnings"] if result.skipped and record else ())]
        warnings = list(dict.fromkeys(line.removeprefix(f"{result.source}: ") for line in told))  # the section says whose they are
        if record and record["complete"] and record["result_sha256"] != file_digest(files.result):
            warnings.append("the result was changed after it was made")
        facts = {"name": result.name, "source": plain(result.source), "error": result.error, "skipped": result.skipped}
        facts |= {"seconds": result.seconds, "rows": rows, "warnings": warnings, "made": _made(record)}
        facts |= {"digest": (record or {}).get("input_sha256", ""), "result": (record or {}).get("result_sha256", "")}
        doubted = any(line.startswith(("quality ", "doubtful: ")) for line in warnings)  # a warning says it already
        return facts | {"quality": quality_of(record), "doubted": doubted}


def data_file(folder: Path, name: str) -> Path:
    """Return the file of a case's data, below the folder of the results."""
    return folder / REPORT_FILES / "cases" / f"{name}.js"


def _share_rows(rows: Iterable[dict]) -> tuple[list[dict], list[dict]]:
    """Return the rows that stand on the page, of whole cases, and those that come with the data; the quality is told otherwise."""
    whole = [row for row in rows if row["slice"] == "" and row["measure"] != "quality"]
    return whole[:MOST_ROWS], whole[MOST_ROWS:] + [row for row in rows if row["slice"] != ""]


def _links(files: CaseFiles, kind: ResultKind, result: CaseResult) -> Iterator[tuple[str, str, bool]]:
    """Yield text and address, relative to the page, of each file of a case that is there, and whether it is to be shown."""
    if result.error:
        return
    named = {files.result: "result", record_path(files.result): "record"}
    named |= {files.beside(suffix): text for suffix, text in ALONGSIDE.items()}
    if kind.picture is not None:
        named[files.beside(kind.picture)] = "picture"
    for path, text in named.items():
        if path.exists():
            yield text, f"./{quote(os.fsencode(path.name))}", text == "picture"


def _made(record: dict | None) -> str:
    """Return what made a result, as its record says."""
    if record is None:
        return ""
    settings = "".join(f", {name} {value}" for name, value in record["settings"].items())
    weights = f"weights {Path(record['weights']).name} SHA-256 {record['weights_sha256']}"
    return plain(f"{record['bundle']} {record['version']}, {weights}{settings}, {record['precision']}, {record['machine']}")


@cache
def templates() -> jinja2.Environment:
    """Return the templates of the page."""
    found = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    found.filters["plain"] = plain
    return found
