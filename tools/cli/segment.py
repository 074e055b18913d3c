"""``axial segment``."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from custom_networks.errors import UserError, plain

from ..cluster.opening import CASE_MEMORY
from .console import console, errors
from .options import BundleName, Overwrite, Trust
from .signals import Terminated, interruptible


def segment(
    bundle: BundleName,
    inputs: Annotated[
        list[str],
        typer.Argument(help="Images, DICOM series, or folders of them, read to any depth; or dicomweb://HOST/path/studies/UID."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the results.")],
    overwrite: Overwrite = False,
    weights: Annotated[Path | None, typer.Option(help="Other weights than the bundle's own.")] = None,
    series: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Series to take, number or UID, where a folder, zip or study holds several."),
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Other threshold than the bundle's own.")] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="L1-L5", help="Vertebrae: the levels to segment; the search ends beyond them.")
    ] = None,
    any_modality: Annotated[
        bool, typer.Option("--any-modality", help="Take DICOM files of another modality than the bundle's, at your own risk.")
    ] = False,
    max_bytes: Annotated[
        int | None,
        typer.Option(min=1, metavar="BYTES", help="Largest image that is read; 4 GiB unless AXIAL_MAX_BYTES says otherwise."),
    ] = None,
    dicom_seg: Annotated[
        bool, typer.Option("--dicom-seg", help="Also DICOM Segmentation, of cases that are DICOM series.")
    ] = False,
    seg_nrrd: Annotated[bool, typer.Option("--seg-nrrd", help="Also .seg.nrrd, which 3D Slicer opens as a segmentation.")] = False,
    rtstruct: Annotated[bool, typer.Option("--rtstruct", help="Also RT Structure Set, of cases that are DICOM series.")] = False,
    exports: Annotated[
        list[str], typer.Option("--export", metavar="dicom-seg|seg-nrrd|rtstruct", help="The same by name; may be repeated.")
    ] = [],
    bids: Annotated[bool, typer.Option("--bids", help="The input is a BIDS data set; write BIDS derivatives.")] = False,
    bids_suffix: Annotated[
        list[str], typer.Option("--bids-suffix", metavar="T2w", help="Suffix of the BIDS images to take, in place of the bundle's.")
    ] = [],
    maps: Annotated[bool, typer.Option("--maps", help="Also the probability and the entropy of every voxel.")] = False,
    store: Annotated[
        bool,
        typer.Option("--store", help="Store the DICOM Segmentation where the images came from; implies --dicom-seg."),
    ] = False,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Let dicomweb+http:// reach other machines, images and credentials unencrypted.")
    ] = False,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="report.html as one file that holds all images, to be sent alone.")
    ] = False,
    trust: Trust = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 or mps; a GPU where there is one.")] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="auto|float32|bfloat16|float16", help="What the network computes in; auto if left out.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Windows or slices that the network sees at once.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the processor, of each process.")] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes of this machine that share the cases, by Dask.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers share the cases, tcp://HOST:8786.")
    ] = None,
    case_memory: Annotated[
        float,
        typer.Option(min=0.1, metavar="GIB", help="Memory that a case may take; workers with less get none."),
    ] = CASE_MEMORY,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print failed cases and warnings alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for machines.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which cases there are and what would be done; write nothing.")
    ] = False,
) -> None:
    """Segment scans: masks, what made them, pictures, a table of volumes and areas, a page. Code 1 when a case failed."""
    from ..bundles import get_bundle
    from ..dicomweb.address import is_address, parse_address

    sources = [parse_address(text, plain_http) if is_address(text) else Path(text) for text in inputs]
    if store and not any(map(is_address, sources)):
        raise UserError("--store: no input is in an archive.", "Give dicomweb://HOST/studies/UID, or leave it out.")
    if bids and (len(sources) != 1 or is_address(sources[0]) or dry_run or series is not None):
        raise UserError("--bids: for one BIDS data set, and not with --dry-run or --series.", "Give the data set's folder.")
    if bids_suffix and not bids:
        raise UserError("--bids-suffix: without effect where --bids is not given.", "Add --bids, or leave it out.")
    chosen = get_bundle(bundle, trust)
    import torch

    from ..results.segmenting import Segmenter
    from ..results.telling import Teller

    if threads is not None:
        torch.set_num_threads(threads)
    wished = {"threshold": threshold, "levels": levels, "precision": precision, "window_batch": batch}
    settings = {name: value for name, value in wished.items() if value is not None}
    if any_modality:
        settings["any_modality"] = True
    if max_bytes is not None:
        os.environ["AXIAL_MAX_BYTES"] = str(max_bytes)  # for every image that this command reads, masks and pictures included
    if scheduler is not None and jobs > 1:
        raise UserError("--jobs and --scheduler: only one of them.", "--jobs starts processes here, --scheduler uses others'.")
    shared = (scheduler is not None or jobs > 1) and not dry_run
    progress = None if quiet or as_json or dry_run else errors
    flags = {"dicom-seg": dicom_seg, "seg-nrrd": seg_nrrd, "rtstruct": rtstruct}
    exports = [*exports, *(name for name, wanted in flags.items() if wanted)]
    with interruptible(), Teller(chosen.name, progress, errors) as teller, ExitStack() as stack:
        segmenter = Segmenter(chosen, settings, weights, "cpu" if shared else device, maps)
        options = {"overwrite": overwrite, "series": series}
        if dry_run:
            results = segmenter.plan(sources, output, **options)
        else:
            if shared:
                from ..cluster.opening import open_cluster

                tell = lambda line: progress and progress.print(Text(line), soft_wrap=True)  # noqa: E731
                options["cluster"] = stack.enter_context(open_cluster(scheduler, jobs, case_memory, device, threads, tell))
            options |= {"exports": exports, "store": store, "single_file": single_file}
            try:
                if bids:
                    from ..bids.segmenting import segment_bids

                    results = segment_bids(segmenter, sources[0], output, bids_suffix, on_progress=teller, **options)
                else:
                    results = segmenter.segment(sources, output, on_progress=teller, **options)
            except (KeyboardInterrupt, Terminated):
                if as_json:  # what was done
                    print(json.dumps(_summary(chosen, output, teller.results), indent=2), flush=True)
                raise
    failed = [result for result in results if result.error]
    if as_json:
        print(json.dumps(_summary(chosen, output, results, dry_run), indent=2))
    elif dry_run:
        for result in results:
            console.print(Text(f"{result.name}: {_state(result, dry_run)} ({result.source})"), soft_wrap=True)
    else:
        if not quiet:
            console.print(Text(f"{len(results) - len(failed)} of {len(results)} cases done; results in {output}"), soft_wrap=True)
            for result in results:
                if result.stored:
                    console.print(Text(f"{result.name}: stored as {plain(result.stored)}"), soft_wrap=True)
        if failed:
            errors.print(Text(f"failed: {', '.join(result.name for result in failed)}", style="red"), soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _state(result, dry_run: bool = False) -> str:
    if result.error:
        return f"fails: {result.error}" if dry_run else "failed"
    if result.skipped:
        return "is there already, kept" if dry_run else "kept"
    return "to be segmented" if dry_run else "done"


def _summary(bundle, output: Path, results: list, dry_run: bool = False) -> dict:
    """Return what machines want to know of a run."""
    cases = [
        {
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
        for result, judged in ((result, _quality(result)) for result in results)
    ]
    return {"bundle": bundle.name, "version": bundle.version, "output": str(output), "cases": cases}


def _quality(result):
    """Return the quality of a result that is there."""
    from custom_networks.results.record import quality_of, read_record

    there = result.path is not None and not result.error
    return quality_of(read_record(result.path)) if there else None
