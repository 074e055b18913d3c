"""Prepare studies of people without lesions, which teach what is bright and no lesion."""

from pathlib import Path

import nibabel
import numpy as np

from custom_networks.cases.studies import find_studies
from custom_networks.errors import UserError

from ..layout.data_list import Report
from ..layout.making import PRIORS, making
from ..layout.nifti import load_nifti
from .lesions import LABELS, MODALITIES, copy_priors, entry_of

SIDES = ("left", "right")


def prepare_lesion_free(
    source: Path, folder: Path, priors: Path | None = None, mirror: str = "", overwrite: bool = False
) -> Report:
    """Copy FLAIR and T1 with empty lesion masks and write the data list.

    Args:
        source: folder of studies in any layout of NIfTI files that inference reads.
        folder: the data set to make.
        priors: folder of lesion masks of patients, copied to be transplanted in training.
        mirror: ``"left"`` or ``"right"`` puts the mirror image of this hemisphere in place of the other, which may then hold a
            tumour; the scan must be symmetrical about the middle of its grid, as in the space of an atlas.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every study with an image that cannot be read; nothing is written then.
        UserError: when there is no study with both images, or ``mirror`` names no side.
    """
    if mirror not in ("", *SIDES):
        raise UserError(f"--mirror {mirror}: no such side.", f"Give {' or '.join(SIDES)}, or leave it out.")
    studies = find_studies(source, MODALITIES, suffixes=(".nii", ".nii.gz"))
    left_out = [study["error"] for study in studies if "error" in study]
    studies = [study for study in studies if "error" not in study]
    left_out += [f"{study['case']}: T1 missing" for study in studies if None in study["image"]]
    whole = {study["case"].removesuffix(f"_{MODALITIES[0]}"): study["image"] for study in studies if None not in study["image"]}
    if not whole:
        raise UserError(f"{source}: no study with FLAIR and T1.", f"Left out: {'; '.join(left_out[:3])}.")
    entries = {}
    with making(folder, overwrite, source) as made:
        for case, paths in whole.items():
            entry = entries[case] = entry_of(case)
            with made.case():
                images = [load_nifti(Path(path)) for path in paths]
                images = [mirrored(image, mirror) for image in images] if mirror else images
                for image, name in zip(images, entry["image"], strict=True):
                    nibabel.save(image, made.folder / name)
                empty = nibabel.Nifti1Image(np.zeros(images[0].shape, np.uint8), images[0].affine)
                nibabel.save(empty, made.folder / entry["label"])
        made.check()
        if priors is not None:
            copy_priors(priors, made.folder / PRIORS)
        sections = {"training": list(entries.values()), "validation": [], "test": []}
        made.write_list(f"people without lesions, from {source.name}", LABELS, sections)
    return Report(folder / "dataset.json", list(entries), left_out)


def mirrored(image: nibabel.Nifti1Image, side: str) -> nibabel.Nifti1Image:
    """Return an image, left to right, both of whose halves show one side of the patient; `side` is ``"left"`` or ``"right"``."""
    image = nibabel.as_closest_canonical(image)
    array = np.asanyarray(image.dataobj).copy()
    half = len(array) // 2
    if side == "left":
        array[len(array) - half :] = array[:half][::-1]
    else:
        array[:half] = array[len(array) - half :][::-1]
    return nibabel.Nifti1Image(array, image.affine)
