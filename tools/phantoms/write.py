"""Write phantoms as data sets in the layout of the bundles."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from ..datasets.data_list import make_empty_folder, split_in_order, write_data_list
from .spinal_cord import make_cord_phantom


def write_cord_phantoms(
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    on_case: Callable[[], None] = lambda: None,
    contrast: str | None = None,
) -> Path:
    """Write axial spinal cord phantoms: ``phantom_NNN_image.nii.gz`` and ``phantom_NNN_label.nii.gz``.

    Case N is the same for equal seeds whatever the number of cases. ``contrast`` fixes what is drawn for each case otherwise.
    """
    make_empty_folder(folder, overwrite)
    entries = []
    for index in range(cases):
        entries.append(write_cord_case(folder, index, seed, contrast))
        on_case()
    labels = {"0": "background", "1": "gray matter", "2": "white matter"}
    return write_data_list(folder, f"axial spinal cord phantoms, seed {seed}", labels, split_in_order(entries))


def write_cord_case(folder: Path, index: int, seed: int, contrast: str | None = None) -> dict[str, str]:
    """Write one spinal cord phantom and return its entry of the data list."""
    phantom = make_cord_phantom(np.random.default_rng([seed, index]), contrast)
    entry = {key: f"phantom_{index:03d}_{key}.nii.gz" for key in ("image", "label")}
    for key, array in (("image", phantom.image), ("label", phantom.label)):
        image = nibabel.Nifti1Image(array, phantom.affine)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, folder / entry[key])
    return entry


WRITERS = {"spinal_cord_gray_matter_segmentation": write_cord_phantoms}
