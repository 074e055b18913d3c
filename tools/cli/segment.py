"""``axial segment``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import Overwrite, Trust


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
    trust: Trust = False,
) -> None:
    """Segment scans: masks, overlay pictures, one table of volumes and areas. Code 1 when a case failed."""
    from ..bundles import get_bundle
    from ..results.segmenting import segment_cases

    settings = {} if threshold is None else {"threshold": threshold}
    if any_modality:
        settings["any_modality"] = True
    if max_bytes is not None:
        os.environ["AXIAL_MAX_BYTES"] = str(max_bytes)  # for every image that this command reads, masks and pictures included
    if series is not None:
        settings["series"] = series
    if weights is not None:
        if not weights.is_file():
            raise UserError(f"{weights}: no such file.", "Give a state dict, such as one made by convert-weights.")
        settings["ckpt"] = str(weights)
    exports = [name for name, wanted in (("dicom-seg", dicom_seg), ("seg-nrrd", seg_nrrd)) if wanted]
    results = segment_cases(get_bundle(bundle, trust), inputs, output, overwrite, settings, console, errors, exports)
    failed = [result for result in results if result.error]
    console.print(f"{len(results) - len(failed)} of {len(results)} cases done; results in {output}", highlight=False)
    if failed:
        errors.print(f"failed: {', '.join(result.name for result in failed)}", style="red", highlight=False)
        raise typer.Exit(1)
