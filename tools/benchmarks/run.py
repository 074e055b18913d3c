"""Measure bundles, each in a process of its own, and write tables of ratios."""

import multiprocessing
import platform
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from custom_networks.errors import UserError
from custom_networks.inferers.precision import half_type
from custom_networks.results.write_result import write_json, write_result

from .. import __version__
from ..bundles import Bundle
from .against import bench_against
from .cord import bench_cords
from .history import draw, keep
from .many import bench_many
from .peak import peak
from .slices import SLICES, bench_network
from .stages import Result, measure
from .startup import RADIOGRAPHS, bench_startup

COLUMNS = (
    "bundle", "case", "load", "preprocess", "network", "postprocess", "save", "of peak", "case over network at peak",
    "first over later case", "float32 over bfloat16", "Dice to float32", "bfloat16", "peak memory",
)  # fmt: skip
INFERERS = {"CordWindowInferer": bench_cords}  # what each costs
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"


def bench(
    bundles: list[Bundle],
    console: Console,
    output: Path | None = None,
    readme: Path | None = None,
    data: dict[str, Path] | None = None,
    history: Path | None = None,
    against: dict[str, str] | None = None,
    many: int = 0,
) -> None:
    """Print the shares of every stage of every bundle, how near it comes to the machine's peak, and what single parts cost.

    All times are CPU times, and those of networks are compared with matrix products in between, so that a machine that others use
    too, or a slower one, gives the same ratios.

    Args:
        bundles: what to measure.
        console: where tables go.
        output: folder of ``benchmark.json``, ``benchmark.md`` and, with a history, ``history.png``; None writes none.
        readme: Markdown file whose part between the lines `BEGIN` and `END` becomes the table.
        data: data sets of real cases by the names of bundles; each is measured beside the phantoms of whole fields of view.
        history: CSV file of the ratios of every release.
        against: commits by the names of bundles; a whole case is measured there too.
        many: number of radiographs whose peak memory is compared with that of a few; 0 compares none.
    """
    machine = f"{_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    rates = ", ".join(f"{peak(kind) / 1e9:.0f} in {str(kind)[6:]}" for kind in (torch.float32, half_type("cpu")) if kind)
    machine += f"; its matrix products: {rates} (10^9 operations a second of CPU time)"
    console.print(machine, highlight=False)
    results, rows = [], []
    table = Table(*COLUMNS)
    for bundle in bundles:
        real = (data or {}).get(bundle.name)
        for source in (None, real) if real else (None,):
            results.append(_in_new_process(bundle, source))
            rows.append(_row(results[-1]))
            table.add_row(*rows[-1])
    console.print(table)
    notes = [f"{bundle.name}: {note}" for bundle in bundles for note in _notes(bundle, (against or {}).get(bundle.name), many)]
    notes += bench_startup(any(bundle.name == RADIOGRAPHS for bundle in bundles))
    for note in notes:
        console.print(note, highlight=False)
    markdown = "\n".join([*_markdown(rows), "", f"Measured on {machine}.", "", *(f"- {note}" for note in notes), ""])
    if output is not None:
        content = [asdict(result) | {"of_peak": result.of_peak, "gate": result.gate} for result in results]
        write_json(output / "benchmark.json", {"machine": machine, "bundles": content, "notes": notes})
        write_result(output / "benchmark.md", lambda path: path.write_text(markdown))
    if history is not None:
        kept = keep(history, __version__, results)
        if output is not None:
            draw(kept, output / "history.png")
    if readme is not None:
        _put(readme, markdown)


def _in_new_process(bundle: Bundle, data: Path | None) -> Result:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, bundle, data).result()


def _notes(bundle: Bundle, commit: str | None, many: int) -> list[str]:
    notes = bench_network(bundle) if bundle.name in SLICES else []
    with bundle.parser("inference.json") as parser:
        inferer = parser["inferer"]["_target_"].rpartition(".")[2]
    if inferer in INFERERS:
        notes += INFERERS[inferer](bundle)
    if commit:
        notes.append(bench_against(bundle, commit))
    if many and bundle.name == RADIOGRAPHS:
        notes.append(bench_many(bundle, many))
    return notes


def _row(result: Result) -> list[str]:
    steady = result.steady
    return [
        result.bundle,
        result.case,
        *(f"{seconds / steady.total:.0%}" for seconds in asdict(steady).values()),
        f"{result.of_peak:.2f}" if result.operations else "",
        f"{steady.total / result.needed:.1f}" if result.operations else "",
        f"{result.first.total / steady.total:.1f}",
        "" if result.float32 is None else f"{result.float32 / steady.network:.1f}",
        "" if result.dice is None else f"{result.dice:.4f}",
        result.gate,
        f"{result.memory:.0f} MiB",
    ]


def _markdown(rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows)]


def _put(readme: Path, markdown: str) -> None:
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"{readme}: no lines {BEGIN.strip()} and {END.strip()}.", "Put them where the table belongs.")
    write_result(readme, lambda path: path.write_text(f"{before}{BEGIN}{markdown}{END}{after}"))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
