"""Measure bundles, each in a process of its own, and write tables."""

import multiprocessing
import platform
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json, write_result

from ..bundles import Bundle
from .lesions import bench_windows
from .slices import SLICES, bench_network
from .stages import Result, measure
from .startup import bench_startup
from .vertebrae import bench_traversal

COLUMNS = (
    "bundle", "case", "load", "preprocess", "network", "postprocess", "save", "total", "first case", "outside the network",
    "network in float32", "Dice to float32", "bfloat16", "peak memory",
)  # fmt: skip
INFERERS = {"IterativeVertebraInferer": bench_traversal, "BrainWindowInferer": bench_windows}  # what each costs
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"


def bench(
    bundles: list[Bundle], console: Console, output: Path | None = None, readme: Path | None = None, data: Path | None = None
) -> None:
    """Print seconds of every stage of every bundle, and what single parts cost.

    Args:
        bundles: what to measure.
        console: where tables go.
        output: folder of ``benchmark.json`` and ``benchmark.md``; None writes neither.
        readme: Markdown file whose part between the lines `BEGIN` and `END` becomes the table.
        data: a data set of real cases to measure on in place of phantoms; for one bundle.
    """
    machine = f"{_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    console.print(machine, highlight=False)
    results, rows = [], []
    table = Table(*COLUMNS)
    for bundle in bundles:
        result = _in_new_process(bundle, data)
        results.append(result)
        rows.append(_row(result))
        table.add_row(*rows[-1])
    console.print(table)
    notes = [note for bundle in bundles for note in _notes(bundle)] + bench_startup()
    for note in notes:
        console.print(note, highlight=False)
    markdown = "\n".join([*_markdown(rows), "", f"Seconds on {machine}.", "", *(f"- {note}" for note in notes), ""])
    if output is not None:
        content = [asdict(result) | {"gate": result.gate} for result in results]
        write_json(output / "benchmark.json", {"machine": machine, "bundles": content, "notes": notes})
        write_result(output / "benchmark.md", lambda path: path.write_text(markdown))
    if readme is not None:
        _put(readme, markdown)


def _in_new_process(bundle: Bundle, data: Path | None) -> Result:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, bundle, data).result()


def _notes(bundle: Bundle) -> list[str]:
    notes = bench_network(bundle) if bundle.name in SLICES else []
    with bundle.parser("inference.json") as parser:
        inferer = parser["inferer"]["_target_"].rpartition(".")[2]
    if inferer in INFERERS:
        notes += INFERERS[inferer](bundle)
    return [f"{bundle.name}: {note}" for note in notes]


def _row(result: Result) -> list[str]:
    steady = result.steady
    return [
        result.bundle,
        result.case,
        *(f"{seconds:.3f}" for seconds in (*asdict(steady).values(), steady.total, result.first.total)),
        f"{1 - steady.network / steady.total:.0%}",
        "" if result.float32 is None else f"{result.float32:.3f}",
        "" if result.dice is None else f"{result.dice:.4f}",
        result.gate,
        f"{result.peak:.0f} MiB",
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
