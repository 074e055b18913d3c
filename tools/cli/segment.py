"""``axial segment``."""

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from custom_networks.errors import UserError

from ..cluster.opening import CASE_MEMORY
from .console import errors
from .options import BundleName, Overwrite, Trust
from .outcome import print_json, print_outcome
from .signals import Terminated, interruptible

if TYPE_CHECKING:
    from custom_networks.engines.case_evaluator import CaseResult

    from ..results.segmenting import Segmenter


def segment(
    bundle: BundleName,
    inputs: Annotated[
        list[str],
        typer.Argument(help="Images, DICOM series, or folders of them, of any depth; or dicomweb://HOST/path/studies/UID."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")],
    overwrite: Overwrite = False,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of the bundle's own.")] = None,
    series: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Number or UID of the series to take if a folder, zip or study holds several."),
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Threshold in place of the bundle's own.")] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="L1-L5", help="Vertebrae: the levels to segment; the search stops outside them.")
    ] = None,
    any_modality: Annotated[
        bool, typer.Option("--any-modality", help="Accept DICOM files of another modality than the bundle's, at your own risk.")
    ] = False,
    max_bytes: Annotated[
        int | None,
        typer.Option(min=1, metavar="BYTES", help="Size of the largest image to read; by default AXIAL_MAX_BYTES or 4 GiB."),
    ] = None,
    dicom_seg: Annotated[
        bool, typer.Option("--dicom-seg", help="Also write DICOM Segmentation, for cases that are DICOM series.")
    ] = False,
    seg_nrrd: Annotated[bool, typer.Option("--seg-nrrd", help="Also write .seg.nrrd, a segmentation for 3D Slicer.")] = False,
    rtstruct: Annotated[
        bool, typer.Option("--rtstruct", help="Also write RT Structure Set, for cases that are DICOM series.")
    ] = False,
    exports: Annotated[
        list[str], typer.Option("--export", metavar="dicom-seg|seg-nrrd|rtstruct", help="The same by name; repeatable.")
    ] = [],
    bids: Annotated[bool, typer.Option("--bids", help="The input is a BIDS data set; write BIDS derivatives.")] = False,
    bids_suffix: Annotated[
        list[str],
        typer.Option(
            "--bids-suffix", metavar="T2w", help="Suffix of the BIDS images to take, in place of the bundle's; repeatable."
        ),
    ] = [],
    maps: Annotated[bool, typer.Option("--maps", help="Also write the probability and entropy of every voxel.")] = False,
    store: Annotated[
        bool,
        typer.Option("--store", help="Send the DICOM Segmentation to the archive of the images; implies --dicom-seg."),
    ] = False,
    plain_http: Annotated[
        bool,
        typer.Option(
            "--plain-http", help="Allow dicomweb+http:// to other machines, which sends images and credentials unencrypted."
        ),
    ] = False,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write report.html as one self-contained file, with all images.")
    ] = False,
    trust: Trust = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 or mps; by default a GPU if there is one.")] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="auto|float32|bfloat16|float16", help="Number type of the network; auto by default.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Windows or slices in one batch of the network.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of each process.")] = None,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes on this machine that share the cases, through Dask.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers share the cases, such as tcp://HOST:8786.")
    ] = None,
    case_memory: Annotated[
        float,
        typer.Option(min=0.1, metavar="GIB", help="Memory that a case may take; workers with less get no cases."),
    ] = CASE_MEMORY,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only failed cases and warnings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the cases and what would be done; write nothing.")] = False,
) -> None:
    """Segment scans: write masks, records, pictures, a table of volumes and areas, and a report. Exit code 1 if a case failed."""
    from ..bundles import get_bundle
    from ..dicomweb.address import is_address, parse_address

    sources = [parse_address(text, plain_http) if is_address(text) else Path(text) for text in inputs]
    if store and not any(map(is_address, sources)):
        raise UserError("--store: no input is in an archive.", "Give dicomweb://HOST/studies/UID, or leave it out.")
    if bids and (len(sources) != 1 or is_address(sources[0]) or dry_run or series is not None):
        raise UserError("--bids: for one BIDS data set, and not with --dry-run or --series.", "Give the data set's folder.")
    if bids_suffix and not bids:
        raise UserError("--bids-suffix: without effect unless --bids is given.", "Add --bids, or leave it out.")
    if scheduler is not None and jobs > 1:
        raise UserError(
            "--jobs and --scheduler: only one of them.", "--jobs starts processes here, --scheduler uses a running cluster."
        )
    chosen = get_bundle(bundle, trust)
    import torch

    from ..results.segmenting import Segmenter
    from ..results.telling import Teller

    if threads is not None:
        torch.set_num_threads(threads)
    if max_bytes is not None:
        os.environ["AXIAL_MAX_BYTES"] = str(max_bytes)  # for every image that this command reads, masks and pictures included
    wished = {"threshold": threshold, "levels": levels, "precision": precision, "window_batch": batch}
    settings = {name: value for name, value in wished.items() if value is not None}
    if any_modality:
        settings["any_modality"] = True
    flags = {"dicom-seg": dicom_seg, "seg-nrrd": seg_nrrd, "rtstruct": rtstruct}
    exports = [*exports, *(name for name, wanted in flags.items() if wanted)]
    shared = (scheduler is not None or jobs > 1) and not dry_run
    progress = None if quiet or as_json or dry_run else errors
    tell = partial(print_json, bundle=chosen) if as_json else partial(print_outcome, quiet=quiet)
    with interruptible(), Teller(chosen.name, progress, errors) as teller, ExitStack() as stack:
        segmenter = Segmenter(chosen, settings, weights, "cpu" if shared else device, maps)
        options = {"overwrite": overwrite, "series": series}
        if dry_run:
            results = segmenter.plan(sources, output, **options)
        else:
            options |= {"exports": exports, "store": store, "single_file": single_file, "on_progress": teller}
            if shared:
                from ..cluster.opening import open_cluster

                say = lambda line: progress and progress.print(Text(line), soft_wrap=True)  # noqa: E731
                options["cluster"] = stack.enter_context(open_cluster(scheduler, jobs, case_memory, device, threads, say))
            try:
                results = _run(segmenter, sources, output, bids_suffix if bids else None, options)
            except (KeyboardInterrupt, Terminated):
                if as_json:  # what was done
                    tell(teller.results, output, dry_run)
                raise
    tell(results, output, dry_run)
    if any(result.error for result in results):
        raise typer.Exit(1)


def _run(segmenter: "Segmenter", sources: list, output: Path, bids_suffixes: list[str] | None, options: dict) -> list["CaseResult"]:
    """Segment the sources, or with suffixes, even none, the BIDS data set that is the only one of them."""
    if bids_suffixes is None:
        return segmenter.segment(sources, output, **options)
    from ..bids.segmenting import segment_bids

    return segment_bids(segmenter, sources[0], output, bids_suffixes, **options)
