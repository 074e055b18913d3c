"""Prepare public CT sets with vertebra masks: VerSe, CSI 2014, TotalSegmentator's folders."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from custom_networks.cases.names import case_name
from custom_networks.cases.tree import visible
from custom_networks.errors import UserError
from custom_networks.transforms.loading.load_volume import LoadVolumed
from custom_networks.vertebrae.names import VERTEBRA_NAMES, VERTEBRA_NUMBERS

from ..layout.data_list import Report
from ..layout.making import making
from ..layout.nifti import check_same_grid, save_pair
from ..synthesis.codes import VERTEBRAE
from .folder import split_sections
from .vertebra_samples import LABELS

HOUNSFIELD = (-32768, 32767)  # what CT can say in 16 bits
CSI_STEP = 100  # the challenge's labels are 100, 200, ...


@dataclass
class Scan:
    """One CT and the function that returns its label map (VerSe numbers) as ``(X, Y, Z)`` on the CT's grid."""

    case: str
    image: Path
    labels: Callable[["Grid"], np.ndarray]


@dataclass
class Grid:
    """A loaded CT: array and affine (RAS+)."""

    array: np.ndarray
    affine: np.ndarray
    path: Path


def prepare_vertebrae(
    dataset: str,
    source: Path,
    folder: Path,
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    lowest: str = "L5",
    fill: Path | None = None,
    overwrite: bool = False,
) -> Report:
    """Write CT and label maps with VerSe numbers as NIfTI, and the data list.

    Args:
        dataset: ``"verse"``: BIDS folders, ``*_ct.nii.gz`` and ``*_seg-vert_msk.nii.gz`` anywhere below ``source``;
            ``"csi"``: ``NAME.mhd`` (or .mha, .nii.gz) with ``NAME_label`` beside it, labels 100, 200, ... in any order, numbered by
            height so that the lowest is ``lowest``; ``"totalsegmentator"``: a folder a case with ``ct.nii.gz`` and
            ``segmentations/vertebrae_L5.nii.gz`` and so on.
        source: the data set in its official form.
        folder: the data set to make.
        test: patterns of cases that test; the others train.
        validation: patterns of cases that validate.
        lowest: CSI: name of each scan's lowest vertebra.
        fill: folder of results of ``axial segment``, ``<name of the CT>_seg.nii.gz``: vertebrae that a mask lacks altogether are
            taken from there, since what a training takes for background must be none; of VerSe also whole CT that have no mask.
            One that lies on others of the mask for the most part is left out. To train on, never for a score.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every CT and mask that cannot be read or does not fit; nothing is written then.
        UserError: when no pair is there, or a pattern fits no case.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder.", "Give the unpacked data set.")
    if fill is not None and (test or validation):
        raise UserError(
            "Cases that are filled by results may not test or validate.", "Make a data set of its own of those that do."
        )
    left_out: list[str] = []
    scans = list(FINDERS[dataset](source, left_out, lowest, fill))
    if not scans:
        raise UserError(f"{source}: no CT with vertebra masks in the form of {dataset}.", f"See `axial prepare {dataset} --help`.")
    by_case = {scan.case: scan for scan in scans}
    left_out += [
        f"{scan.image}: {by_case[scan.case].image} is taken, of the same name" for scan in scans if by_case[scan.case] is not scan
    ]
    scans = list(by_case.values())
    sections = split_sections({scan.case: scan.case for scan in scans}, test, validation)
    entries = {}
    with making(folder, overwrite, source) as made:
        for scan in scans:
            with made.case():
                grid = load_grid(scan.image)
                labels = scan.labels(grid)
                if fill is not None:
                    labels, strange = _filled(labels, grid, fill / f"{_result_name(scan, scans)}_seg.nii.gz")
                    lies = "of the result lies on others of the mask"
                    left_out += [f"{scan.case}: {VERTEBRA_NAMES[number]} {lies}" for number in strange]
                image = np.round(grid.array).clip(*HOUNSFIELD).astype(np.int16)
                entries[scan.case] = save_pair(made.folder, scan.case, image, labels.astype(np.uint8), grid.affine)
        made.check()
        listed = {section: [entries[case] for case in cases] for section, cases in sections.items()}
        made.write_list(f"{dataset} from {source.name}", LABELS, listed)
    return Report(folder / "dataset.json", list(entries), left_out)


def load_grid(path: Path) -> Grid:
    """Load a volume of any kind that bundles read, where they take it to lie.

    Raises:
        UserError: when it cannot be read, is no volume, or has values that are no finite numbers.
    """
    image = LoadVolumed("image")({"image": str(path)})["image"]
    if image.ndim != 3:
        raise UserError(f"{path}: {image.ndim} axes, expected a volume.", "Give one volume a file.")
    if count := int((~torch.isfinite(image)).sum()):
        raise UserError(f"{path}: {count} values are NaN or infinite.", "Replace them, for instance by -1000, and try again.")
    return Grid(image.numpy(), np.asarray(image.affine, float), path)


def _find_verse(source: Path, left_out: list[str], lowest: str, fill: Path | None) -> Iterator[Scan]:
    masks = {path.name.removesuffix("_seg-vert_msk.nii.gz"): path for path in visible(source.rglob("*_seg-vert_msk.nii.gz"))}
    for image in visible(source.rglob("*_ct.nii.gz")):
        case = image.name.removesuffix("_ct.nii.gz")
        if case not in masks and fill is not None and (fill / f"{case_name(image)}_seg.nii.gz").is_file():
            yield Scan(case, image, lambda grid: np.zeros(grid.array.shape, np.uint8))
            continue
        if case not in masks:
            left_out.append(f"{image.name}: {case}_seg-vert_msk.nii.gz is missing")
            continue
        yield Scan(case, image, lambda grid, mask=masks[case]: _vertebrae_only(_same_grid(grid, mask)))


def _find_csi(source: Path, left_out: list[str], lowest: str, fill: Path | None) -> Iterator[Scan]:
    if lowest not in VERTEBRA_NUMBERS:
        raise UserError(f"{lowest}: no vertebra.", "Name one of C1 to C7, T1 to T13, L1 to L6.")
    suffixes = (".mhd", ".mha", ".nii.gz", ".nii")
    for image in visible(path for path in source.rglob("*") if path.name.endswith(suffixes)):
        suffix = next(s for s in suffixes if image.name.endswith(s))
        case = image.name.removesuffix(suffix)
        if case.endswith("_label"):
            continue
        mask = image.with_name(f"{case}_label{suffix}")
        if not mask.exists():
            left_out.append(f"{image.name}: {mask.name} is missing")
            continue
        yield Scan(
            case,
            image,
            lambda grid, mask=mask: _number_by_height(_same_grid(grid, mask), grid.affine, VERTEBRA_NUMBERS[lowest], mask),
        )


def _find_totalsegmentator(source: Path, left_out: list[str], lowest: str, fill: Path | None) -> Iterator[Scan]:
    for image in sorted(source.rglob("ct.nii.gz")):
        masks = {
            p.name.removeprefix("vertebrae_").removesuffix(".nii.gz"): p
            for p in image.parent.glob("segmentations/vertebrae_*.nii.gz")
        }
        known = {VERTEBRA_NUMBERS[name]: path for name, path in masks.items() if name in VERTEBRA_NUMBERS}
        if not known:
            left_out.append(f"{image.parent.name}: no segmentations/vertebrae_*.nii.gz")
            continue
        yield Scan(image.parent.name, image, lambda grid, masks=known: _merge(grid, masks))


FINDERS = {"verse": _find_verse, "csi": _find_csi, "totalsegmentator": _find_totalsegmentator}


def _result_name(scan: Scan, scans: Sequence[Scan]) -> str:
    """Return the name that `axial segment` gives a CT: its file's, after its case where others are named so, too."""
    name = case_name(scan.image)
    return name if [case_name(other.image) for other in scans].count(name) == 1 else f"{scan.case}_{name}"


def _filled(labels: np.ndarray, grid: Grid, result: Path) -> tuple[np.ndarray, list[int]]:
    """Add the vertebrae of a result that the labels lack; return also those that lie on others for the most part."""
    if not result.is_file():
        raise UserError(f"{result}: not found.", "Make it with `axial segment vertebrae`, from the CT of the data set.")
    found = _same_grid(grid, result)
    lacking = [number for number in VERTEBRAE if (found == number).any() and not (labels == number).any()]
    strange = [number for number in lacking if np.mean(labels[found == number] != 0) > 0.5]
    added = [number for number in lacking if number not in strange]
    return np.where((labels == 0) & np.isin(found, added), found, labels), strange


def _same_grid(grid: Grid, path: Path) -> np.ndarray:
    mask = load_grid(path)
    check_same_grid(path, mask.array.shape, mask.affine, grid.path, grid.array.shape, grid.affine)
    return mask.array


def _vertebrae_only(labels: np.ndarray) -> np.ndarray:
    """Drop sacrum and coccyx, which VerSe numbers 26 and 27."""
    return np.where(np.isin(labels, VERTEBRAE), labels, 0)


def _number_by_height(labels: np.ndarray, affine: np.ndarray, lowest: int, path: Path) -> np.ndarray:
    values = [value for value in np.unique(labels) if value]
    if any(value % CSI_STEP for value in values):
        raise UserError(f"{path}: labels {values[:5]} are not multiples of {CSI_STEP}.", "Give the challenge's own label maps.")
    heights = {value: float((np.argwhere(labels == value) @ affine[2, :3]).mean()) for value in values}
    result = np.zeros(labels.shape, np.uint8)
    for step, value in enumerate(sorted(values, key=heights.__getitem__)):
        if lowest - step < 1:
            raise UserError(
                f"{path}: {len(values)} vertebrae, too many above one that is {lowest}.", "Name the lowest with --lowest."
            )
        result[labels == value] = lowest - step
    return result


def _merge(grid: Grid, masks: dict[int, Path]) -> np.ndarray:
    labels = np.zeros(grid.array.shape, np.uint8)
    for number, path in sorted(masks.items()):
        labels[_same_grid(grid, path) > 0.5] = number
    return labels
