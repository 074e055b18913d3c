"""Label maps of whole heads, from which training draws images of any contrast."""

from pathlib import Path

import nibabel
import numpy as np

from custom_networks.cases.cases import case_name
from custom_networks.cases.tree import visible
from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError

from ..layout.data_list import Report, split_in_order
from ..layout.making import making
from ..layout.nifti import load_nifti

LABELS = {"0": "background", "1": "brain"}
MOST_LABEL = 32767  # of 16 bits; FreeSurfer's are lower
LEAST_LABELS = 10  # of a map of a whole head


def prepare_head_labels(source: Path, folder: Path, overwrite: bool = False) -> Report:
    """Copy label maps as integers of 16 bits and write the data list; image and label are one file.

    Args:
        source: folder of label maps of FreeSurfer with what lies outside the brain, as those of SynthSeg.
        folder: the data set to make.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every label map that cannot be read or is none of a head; nothing is written then.
        UserError: when the folder holds no label map.
    """
    files = visible(source.glob("*.nii*")) if source.is_dir() else []
    if not files:
        raise UserError(f"{source}: no label maps.", "Give a folder of NIfTI label maps of heads.")
    names = [f"{case_name(file)}.nii.gz" for file in files]
    with making(folder, overwrite, source) as made:
        for file, name in zip(files, names, strict=True):
            with made.case():
                image = load_nifti(file)
                labels = np.asarray(image.dataobj)
                check_label_values(file, labels, MOST_LABEL)
                labels = labels.astype(np.int16)
                if len(np.unique(labels)) < LEAST_LABELS:
                    raise UserError(f"{file}: fewer than {LEAST_LABELS} labels.", "Give label maps of FreeSurfer of whole heads.")
                nibabel.save(nibabel.Nifti1Image(labels, image.affine), made.folder / name)
        sections = split_in_order([{"image": name, "label": name} for name in names])
        made.write_list(f"label maps of heads from {source.name}", LABELS, sections)
    return Report(folder / "dataset.json", [case_name(file) for file in files])
