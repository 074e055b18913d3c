"""Measure bundles, each in a process of its own, and write tables of ratios."""

import multiprocessing
import platform
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from custom_networks.data.data_list import load_data_list
from custom_networks.errors import UserError
from custom_networks.inferers.precision import half_type
from custom_networks.results.write_result import write_result

from .. import __version__
from ..bundles import Bundle
from .against import bench_against
from .bound import bench_bound
from .cases import full_field_cases
from .cord import bench_cords
from .heads import bench_heads
from .history import draw, keep, read
from .many import bench_many
from .peak import peak
from .record import Record
from .slices import SLICES, bench_network
from .stages import Result, measure
from .startup import RADIOGRAPHS, bench_startup

COLUMNS = (
    "bundle", "case", "load", "preprocess", "network", "postprocess", "save", "of peak", "case over network at peak",
    "first over later case", "float32 over bfloat16", "Dice to float32", "bfloat16", "peak memory",
)  # fmt: skip
PARTS = {"CordWindowInferer": bench_cords, "RawHeads": bench_heads}  # what each costs
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
    resume: bool = False,
) -> None:
    """Print the shares of every stage of every bundle, how near it comes to the machine's peak, and what single parts cost.

    All times are CPU times, and those of networks are compared with matrix products in between, so that a machine that others use
    too, or a slower one, gives the same ratios. The record and the history are written after each measurement.

    Args:
        bundles: what to measure.
        console: where tables go.
        output: folder of ``benchmark.json``, ``benchmark.md`` and, with a history, ``history.png``; None writes none.
        readme: Markdown file whose part between the lines `BEGIN` and `END` becomes the table.
        data: data sets of real cases by the names of bundles; each is measured beside the phantoms of whole fields of view.
        history: CSV file of the ratios of every release.
        against: commits by the names of bundles; a whole case is measured there too.
        many: number of radiographs whose peak memory is compared with that of a few; 0 compares none.
        resume: whether measurements stay that ``benchmark.json`` has of an earlier run on this machine, other bundles' too.
    """
    machine = f"{_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    rates = ", ".join(f"{peak(kind) / 1e9:.0f} in {str(kind)[6:]}" for kind in (torch.float32, half_type("cpu")) if kind)
    record = Record(machine, rates, path=output / "benchmark.json" if output else None)
    if resume:
        record.resume()
    measured = f"{machine}; its matrix products: {record.rates} (10^9 operations a second of CPU time)"
    console.print(measured, highlight=False)
    for name, measure_one in _measurements(bundles, data or {}, against or {}, many).items():
        if name not in record:
            console.print(f"{name} ...", style="dim", highlight=False)
            record.add(name, measure_one())
            if history is not None:
                keep(history, __version__, list(record.results.values()))
    rows = [_row(record.results[name]) for name in sorted(record.results)]
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    notes = [f"{name.partition(':')[0]}: {note}" for name in sorted(record.notes) for note in record.notes[name]]
    for note in notes:
        console.print(note, highlight=False)
    markdown = "\n".join([*_markdown(rows), "", f"Measured on {measured}.", "", *(f"- {note}" for note in notes), ""])
    if output is not None:
        write_result(output / "benchmark.md", lambda path: path.write_text(markdown))
        if history is not None:
            draw(read(history), output / "history.png")
    if readme is not None:
        _put(readme, markdown)


def _measurements(
    bundles: list[Bundle], data: dict[str, Path], against: dict[str, str], many: int
) -> dict[str, Callable[[], Result | list[str]]]:
    """Return what is to be measured, by name: a bundle, and after a colon which part of it."""
    asked: dict[str, Callable[[], Result | list[str]]] = {}
    for bundle in bundles:
        asked[bundle.name] = partial(_measure, bundle, None)
        if bundle.name in data:
            asked[f"{bundle.name}: {data[bundle.name]}"] = partial(_measure, bundle, data[bundle.name])
    for bundle in bundles:
        if bundle.name in SLICES:
            asked[f"{bundle.name}: network"] = partial(bench_network, bundle)
        if bundle.is_segmentation:
            asked[f"{bundle.name}: bound"] = partial(bench_bound, bundle)
        with bundle.parser("inference.json") as parser:
            parts = [parser[name]["_target_"].rpartition(".")[2] for name in ("inferer", "heads") if name in parser]
        asked |= {f"{bundle.name}: {part}": partial(PARTS[part], bundle) for part in parts if part in PARTS}
        if bundle.name in against:
            asked[f"{bundle.name}: {against[bundle.name]}"] = partial(bench_against, bundle, against[bundle.name])
        if many and bundle.name == RADIOGRAPHS:
            asked[f"{bundle.name}: {many} cases"] = partial(bench_many, bundle, many)
    asked["start"] = partial(bench_startup, any(bundle.name == RADIOGRAPHS for bundle in bundles))
    return asked


def _measure(bundle: Bundle, data: Path | None) -> Result:
    """Measure a bundle in a new process, whose memory is not that of drawing phantoms."""
    with tempfile.TemporaryDirectory() as scratch:
        if data is None:
            images = full_field_cases(bundle, Path(scratch))
        else:
            images = [entry["image"] for entry in load_data_list(data, "test", labels=False)]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(measure, bundle, images).result()


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
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"{readme}: no lines {BEGIN.strip()} and {END.strip()}.", "Put them where the table belongs.")
    write_result(readme, lambda path: path.write_text(f"{before}{BEGIN}{markdown}{END}{after}"))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
