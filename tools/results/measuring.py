"""The rows of ``measures.csv``, for the command and for Python alike."""

from collections.abc import Iterator, Sequence

from .kinds import CaseFiles, ResultKind
from .measures import read_quality


def measure_case(kind: ResultKind, case: CaseFiles) -> Iterator[dict]:
    """Yield the rows of one case: its quality, where it was judged, and what its kind measures."""
    yield from read_quality(case.result, case.name)
    yield from kind.measure(case)


def measure_run(kind: ResultKind, cases: Sequence[CaseFiles]) -> dict[str, list[dict]]:
    """Return the rows that need several cases of a run, by the name of the case that they belong to."""
    found: dict[str, list[dict]] = {}
    for row in kind.measure_together(cases):
        found.setdefault(row["case"], []).append(row)
    return found
