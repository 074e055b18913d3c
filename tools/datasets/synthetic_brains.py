"""Make lesion-free brains of any contrast out of label maps."""

from pathlib import Path

import nibabel
import numpy as np

from custom_networks.cases.cases import case_name
from custom_networks.cases.tree import visible
from custom_networks.errors import UserError
from custom_networks.geometry.regions import box_of, grown

from ..layout.data_list import Report
from ..layout.making import PRIORS, making
from ..layout.nifti import load_nifti
from ..synthesis.brain_mri import render_brain, tissue_map
from .lesions import LABELS, MODALITIES, copy_priors, entry_of


def prepare_synthetic_brains(
    source: Path, folder: Path, priors: Path | None = None, seed: int = 0, overwrite: bool = False
) -> Report:
    """Draw FLAIR and T1 of every label map of a folder, without lesions, and write the data list.

    Args:
        source: folder of label maps of FreeSurfer, such as those of SynthSeg, about 1 mm.
        folder: the data set to make.
        priors: folder of lesion masks of patients, copied to be painted in training.
        seed: equal seeds give equal brains.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every label map that cannot be read or has no white matter; nothing is written then.
        UserError: when the folder holds no label map.
    """
    files = visible(source.glob("*.nii*")) if source.is_dir() else []
    if not files:
        raise UserError(f"{source}: no label maps.", "Give a folder of NIfTI label maps of FreeSurfer.")
    entries = {case_name(file): entry_of(case_name(file)) for file in files}
    with making(folder, overwrite, source) as made:
        for number, file in enumerate(files):
            with made.case():
                _draw(file, made.folder, entries[case_name(file)], np.random.default_rng((seed, number)))
        made.check()
        if priors is not None:
            copy_priors(priors, made.folder / PRIORS)
        sections = {"training": list(entries.values()), "validation": [], "test": []}
        made.write_list(f"brains drawn from {source.name}", LABELS, sections)
    return Report(folder / "dataset.json", list(entries))


def _draw(file: Path, folder: Path, entry: dict, rng: np.random.Generator) -> None:
    image = nibabel.as_closest_canonical(load_nifti(file))
    tissues = tissue_map(np.asarray(image.dataobj).astype(np.int32))
    if not (tissues == 1).any():
        raise UserError(f"{file}: no white matter (label 2 or 41).", "Give label maps of FreeSurfer.")
    box = grown(box_of(tissues > 0), 2, tissues.shape)
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [side.start for side in box]
    drawn = render_brain(tissues[box], rng)
    for modality, name in zip(MODALITIES, entry["image"], strict=True):
        nibabel.save(nibabel.Nifti1Image(drawn[modality], affine), folder / name)
    nibabel.save(nibabel.Nifti1Image(np.zeros(tissues[box].shape, np.uint8), affine), folder / entry["label"])
