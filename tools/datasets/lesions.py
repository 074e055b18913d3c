"""Prepare white-matter lesion data: WMH 2017, open_ms_data, BIDS."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.cases.cases import case_name
from custom_networks.cases.studies import find_studies
from custom_networks.cases.tree import visible
from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError

from ..layout.data_list import Report
from ..layout.making import PRIORS, making
from ..layout.nifti import check_same_grid, load_image, load_nifti
from .folder import split_sections

LABELS = {"0": "background", "1": "lesion", "2": "other pathology (ignored)"}
MODALITIES = ("FLAIR", "T1")
BIDS_MASKS = ("*lesion*mask*.nii*", "*label-lesion*.nii*", "*lesion*.nii*", "*dseg*.nii*")


def prepare_lesions(
    dataset: str,
    source: Path,
    folder: Path,
    priors: Path | None = None,
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    overwrite: bool = False,
) -> Report:
    """Copy FLAIR, T1 and lesion masks into one layout and write the data list.

    Without named validation cases none validates, and training keeps its last weights: with one or two patients there is none to
    spare.

    Args:
        dataset: ``"wmh"`` (folders with FLAIR, T1 and wmh), ``"open-ms-data"`` (``patientNN_FLAIR``, ``_T1``, ``_lesion``, or
            ``..._consensus_gt``), or ``"bids"`` (``sub-*/**/anat/*_FLAIR`` and ``*_T1w``, masks below ``derivatives``).
        source: the folder.
        folder: the data set to make.
        priors: folder of lesion masks of other patients, copied to be transplanted in training.
        test: patterns of cases that test.
        validation: patterns of cases that validate.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every image that cannot be read, and every mask that does not lie on FLAIR's grid or is none; nothing
            is written then.
        UserError: when there is no study with its mask, or a pattern fits none.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder.", "Give the folder of the data set.")
    studies, left_out = FINDERS[dataset](source)
    if not studies:
        raise UserError(f"{source}: no study with FLAIR, T1 and a lesion mask.", f"Left out: {'; '.join(left_out[:3]) or 'none'}.")
    entries = {case: entry_of(case) for case in sorted(studies)}
    everyone = {"training": list(entries.values()), "validation": [], "test": []}
    sections = split_sections(entries, test, validation) if test or validation else everyone
    with making(folder, overwrite, source) as made:
        for case, entry in entries.items():
            images, mask_path = studies[case]
            with made.case():
                for name, path in zip(entry["image"], images, strict=True):
                    with made.file():
                        load_image(path)
                        _copy(path, made.folder / name)
                nibabel.save(_read_mask(mask_path, images[0]), made.folder / entry["label"])
        made.check()
        if priors is not None:
            copy_priors(priors, made.folder / PRIORS)
        made.write_list(f"{dataset} prepared from {source.name}", LABELS, sections)
    return Report(folder / "dataset.json", list(entries), left_out)


def entry_of(case: str) -> dict:
    """Return the files of a prepared case as the data list names them."""
    return {"image": [f"{case}_{name}.nii.gz" for name in MODALITIES], "label": f"{case}_lesion.nii.gz"}


def _find_wmh(source: Path) -> tuple[dict, list[str]]:
    """Return case to (images, mask); in the official form images lie in ``<id>/pre`` and the mask in ``<id>``."""
    studies, left_out = {}, []
    for mask in sorted([*source.rglob("wmh.nii.gz"), *source.rglob("wmh.nii")]):
        folder = mask.parent / "pre" if (mask.parent / "pre").is_dir() else mask.parent
        name = "_".join(mask.parent.relative_to(source).parts) or source.name
        images = [_first(folder, f"{modality}.nii*") for modality in MODALITIES]
        _take(studies, left_out, name, images, mask)
    return studies, left_out


def _find_open_ms_data(source: Path) -> tuple[dict, list[str]]:
    studies, left_out = {}, []
    for path in visible([*source.rglob("*_lesion.nii*"), *source.rglob("*consensus_gt.nii*")]):
        name = case_name(path).removesuffix("_lesion").removesuffix("_consensus_gt")
        images = [_first(path.parent, f"{name}*{modality}*.nii*", word=modality) for modality in MODALITIES]
        _take(studies, left_out, name, images, path)
    return studies, left_out


def _find_bids(source: Path) -> tuple[dict, list[str]]:
    studies, left_out = {}, []
    for subject in sorted(path for path in source.glob("sub-*") if path.is_dir()):
        try:
            cases = find_studies(subject, MODALITIES)
        except UserError as error:  # a person without FLAIR
            left_out.append(error.problem)
            continue
        left_out += [case["error"] for case in cases if "error" in case]
        for case in (case for case in cases if "error" not in case):
            flair = Path(case["image"][0])
            name = flair.name.split("_FLAIR")[0]
            folder = source / "derivatives"
            masks = [mask for pattern in BIDS_MASKS for mask in visible(folder.rglob(pattern)) if mask.name.startswith(f"{name}_")]
            _take(studies, left_out, name, [image and Path(image) for image in case["image"]], next(iter(masks), None))
    return studies, left_out


FINDERS = {"wmh": _find_wmh, "open-ms-data": _find_open_ms_data, "bids": _find_bids}


def _first(folder: Path, pattern: str, word: str | None = None) -> Path | None:
    """Return the file of a pattern, the one whose name's last word it is where several fit, so that T1 is not T1POST."""
    found = [path for path in visible(folder.glob(pattern)) if word is None or case_name(path).split("_")[-1] in (word, f"{word}W")]
    return found[0] if found else None


def _take(studies: dict, left_out: list[str], name: str, images: list[Path | None], mask: Path | None) -> None:
    missing = [modality for modality, image in zip(MODALITIES, images, strict=True) if image is None]
    missing += ["lesion mask"] if mask is None else []
    if missing:
        left_out.append(f"{name}: {' and '.join(missing)} missing")
        return
    if name in studies:
        left_out.append(f"{name}: {studies[name][1]} is another study of this name; {mask} is taken")
    studies[name] = (images, mask)


def _read_mask(path: Path, flair: Path) -> nibabel.Nifti1Image:
    label, image = load_nifti(path), load_nifti(flair)
    check_same_grid(path, label.shape, label.affine, flair, image.shape, image.affine)
    array = np.asarray(label.dataobj)
    check_label_values(path, array, largest=2)
    return nibabel.Nifti1Image(array.astype(np.uint8), label.affine)


def _copy(source: Path, target: Path) -> None:
    if source.name.endswith(".gz"):
        shutil.copyfile(source, target)
    else:
        nibabel.save(load_nifti(source), target)


def copy_priors(source: Path, target: Path, without: Sequence[str] = ()) -> None:
    """Copy masks of lesions, to paint from, see `prior_masks`."""
    if not prior_masks(source):
        raise UserError(f"{source}: no NIfTI masks.", "Give --priors a folder of lesion masks.")
    for path in prior_masks(source, without):  # where none is left there is no folder: an empty one is an error in training
        target.mkdir(exist_ok=True)
        _copy(path, target / f"{case_name(path)}.nii.gz")


def prior_masks(folder: Path, without: Sequence[str] = ()) -> list[Path]:
    """Return the masks of lesions in a folder, but for those whose names hold that of a person who is left out.

    Where there is no such folder there are none.
    """
    masks = [path for path in visible(folder.iterdir()) if path.name.endswith((".nii", ".nii.gz"))] if folder.is_dir() else []
    return [path for path in masks if not any(name in path.name for name in without)]
