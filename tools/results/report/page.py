"""One page of a run that holds all of itself."""

import base64
import datetime
import hashlib
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import jinja2
import torch

from custom_networks.cases.cases import split_series
from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.results.write_result import write_result

from ...bundles import Bundle
from ..kinds import CaseFiles, ResultKind

MOST_ROWS = 60  # of measures a case


@dataclass
class CaseReport:
    """What the page shows of one case."""

    result: CaseResult
    rows: list[dict]
    warnings: list[str]
    digest: str = ""
    overlay: str = ""
    slices: list[dict] = field(default_factory=list)


def write_report(
    bundle: Bundle,
    kind: ResultKind,
    results: list[CaseResult],
    files: dict[str, CaseFiles],
    rows: list[dict],
    warnings: dict[str, list[str]],
    output: Path,
    weights: Path,
) -> Path:
    """Write ``report.html``: each case's slices to scroll through, overlay, measures, warnings; versions and SHA-256.

    The page needs no other file and no network.

    Args:
        bundle: the bundle.
        kind: of its results.
        results: of the run.
        files: of each case by its name.
        rows: of ``measures.csv``.
        warnings: lines of the log by case.
        output: folder of the results.
        weights: the weights that were used.

    Returns:
        the page.
    """
    cases = [_case(kind, result, files[result.name], rows, warnings.get(result.name, [])) for result in results]
    facts = {
        "bundle": f"{bundle.name} {bundle.version}",
        "weights": f"SHA-256 {_digest(weights)}",
        "software": f"Python {platform.python_version()}, torch {torch.__version__}, monai {version('monai')}",
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads"
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"),
        "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "use": bundle.metadata["intended_use"],
    }
    templates = jinja2.Environment(loader=jinja2.PackageLoader(__package__, ""), autoescape=True)
    page = templates.get_template("report.html").render(title=bundle.metadata["name"], facts=facts, cases=cases)
    target = output / "report.html"
    write_result(target, lambda path: path.write_text(page))
    return target


def _case(kind: ResultKind, result: CaseResult, files: CaseFiles, rows: list[dict], warnings: list[str]) -> CaseReport:
    mine = [row for row in rows if row["case"] == result.name and row["slice"] == ""]
    report = CaseReport(result, mine[:MOST_ROWS], warnings)
    if len(mine) > MOST_ROWS:
        report.warnings = [*warnings, f"{len(mine) - MOST_ROWS} further rows stand in measures.csv"]
    source, _ = split_series(result.source)
    report.digest = _digest(source) if source.is_file() else ""
    if result.error:
        return report
    if kind.picture is not None and files.beside(kind.picture).exists():
        picture = base64.b64encode(files.beside(kind.picture).read_bytes()).decode()
        report.overlay = f"data:image/png;base64,{picture}"
    report.slices = kind.slices(files)
    return report


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
