"""A case's section of the report."""

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import plain
from custom_networks.results.record import file_digest, read_record

from ..kinds import CaseFiles, ResultKind

MOST_ROWS = 60  # of measures a case
BEGIN, END = b"<!-- case ", b"<!-- /case -->\n"


@dataclass(frozen=True)
class CaseSection:
    """A case's part of the page: HTML between two marks that tell what it is of."""

    name: str
    source: str
    done: bool
    content: bytes


class SectionWriter:
    """Write sections: slices to scroll through, picture, measures, warnings and what made them.

    Args:
        kind: of the results.
    """

    def __init__(self, kind: ResultKind) -> None:
        self.kind = kind

    def write(self, result: CaseResult, files: CaseFiles) -> CaseSection:
        """Return the section of a case."""
        content = templates().get_template("case.html").render(self._facts(result, files))
        mark = {"name": result.name, "source": plain(result.source), "done": not result.error}
        # ASCII without angles and dashes, so that nothing in a name ends the comment
        escaped = json.dumps(mark).replace("-", "\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
        section = BEGIN + escaped.encode() + b" -->\n" + content.encode(errors="replace") + b"\n" + END
        return CaseSection(**mark, content=section)

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


@cache
def templates() -> jinja2.Environment:
    """Return the templates of the page."""
    return jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
