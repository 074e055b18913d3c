"""Print what became of the cases of `axial segment`, for people or as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from custom_networks.errors import plain

from .console import console, errors

if TYPE_CHECKING:
    from custom_networks.engines.case_evaluator import CaseResult
    from custom_networks.results.record import Quality

    from ..bundles import Bundle


def print_outcome(results: Sequence["CaseResult"], output: Path, dry_run: bool, quiet: bool) -> None:
    """Print how many cases are done and which failed; of a dry run each case and what would be done with it."""
    if dry_run:
        for result in results:
            console.print(Text(f"{result.name}: {_state(result, dry_run)} ({result.source})"), soft_wrap=True)
        return
    failed = [result.name for result in results if result.error]
    if not quiet:
        console.print(Text(f"{len(results) - len(failed)} of {len(results)} cases done; results in {output}"), soft_wrap=True)
        for result in results:
            if result.stored:
                console.print(Text(f"{result.name}: stored as {plain(result.stored)}"), soft_wrap=True)
    if failed:
        errors.print(Text(f"failed: {', '.join(failed)}", style="red"), soft_wrap=True)


def print_json(results: Sequence["CaseResult"], output: Path, dry_run: bool, bundle: "Bundle") -> None:
    """Print what a program needs to know of a run."""
    cases = [_case(result, dry_run) for result in results]
    summary = {"bundle": bundle.name, "version": bundle.version, "output": str(output), "cases": cases}
    print(json.dumps(summary, indent=2), flush=True)


def _case(result: "CaseResult", dry_run: bool) -> dict[str, Any]:
    judged = _quality(result)
    return {
        "case": result.name,
        "source": result.source,
        "state": "to be segmented" if dry_run and not (result.error or result.skipped) else _state(result),
        "error": result.error,
        "warnings": list(result.warnings),
        "quality": judged and judged.value,
        "quality_reason": judged and judged.reason,
        "quality_about": judged and judged.about,
        "doubtful": judged and judged.doubtful,
        "seconds": round(result.seconds, 2),
        "stored": result.stored,
        "result": str(result.path) if result.path is not None and not result.error else None,
    }


def _state(result: "CaseResult", dry_run: bool = False) -> str:
    if result.error:
        return f"fails: {result.error}" if dry_run else "failed"
    if result.skipped:
        return "already exists, kept" if dry_run else "kept"
    return "to be segmented" if dry_run else "done"


def _quality(result: "CaseResult") -> "Quality | None":
    """Return the quality of a result that has been written."""
    from custom_networks.results.record import quality_of, read_record

    written = result.path is not None and not result.error
    return quality_of(read_record(result.path)) if written else None
