"""Write phantoms as data sets in the layout of the bundles."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from ..datasets.data_list import make_empty_folder, split_in_order, write_data_list
from ..datasets.vertebra_samples import LABELS
from .spinal_cord import make_cord_phantom
from .spine import make_spine_phantom


def write_cord_phantoms(
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    on_case: Callable[[], None] = lambda: None,
    kind: str | None = None,
) -> Path:
    """Write axial spinal cord phantoms: ``phantom_NNN_image.nii.gz`` and ``phantom_NNN_label.nii.gz``.

    Case N is the same for equal seeds whatever the number of cases. ``kind`` fixes the contrast, which is drawn for each case
    otherwise.
    """
    make_empty_folder(folder, overwrite)
    entries = []
    for index in range(cases):
        entries.append(write_cord_case(folder, index, seed, kind))
        on_case()
    labels = {"0": "background", "1": "gray matter", "2": "white matter"}
    return write_data_list(folder, f"axial spinal cord phantoms, seed {seed}", labels, split_in_order(entries))


def write_cord_case(folder: Path, index: int, seed: int, contrast: str | None = None) -> dict[str, str]:
    """Write one spinal cord phantom and return its entry of the data list."""
    phantom = make_cord_phantom(np.random.default_rng([seed, index]), contrast)
    return _write_pair(folder, index, phantom.image, phantom.label, phantom.affine)


def write_spine_phantoms(
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    on_case: Callable[[], None] = lambda: None,
    kind: str | None = None,
) -> Path:
    """Write CT phantoms of spines: ``phantom_NNN_image.nii.gz`` and ``phantom_NNN_label.nii.gz`` with VerSe numbers.

    Case N is the same for equal seeds whatever the number of cases. ``kind`` fixes the part of the spine, a key of
    `spine_anatomy.FAMILIES`, which is drawn for each case otherwise.
    """
    make_empty_folder(folder, overwrite)
    entries = []
    for index in range(cases):
        phantom = make_spine_phantom(np.random.default_rng([seed, index]), kind)
        entries.append(_write_pair(folder, index, phantom.image, phantom.label, phantom.affine))
        on_case()
    return write_data_list(folder, f"CT phantoms of spines, seed {seed}", LABELS, split_in_order(entries))


def _write_pair(folder: Path, index: int, image: np.ndarray, label: np.ndarray, affine: np.ndarray) -> dict[str, str]:
    entry = {key: f"phantom_{index:03d}_{key}.nii.gz" for key in ("image", "label")}
    for key, array in (("image", image), ("label", label)):
        nifti = nibabel.Nifti1Image(array, affine)
        nifti.header.set_xyzt_units("mm")
        nibabel.save(nifti, folder / entry[key])
    return entry


WRITERS = {
    "spinal_cord_gray_matter_segmentation": write_cord_phantoms,
    "vertebrae_ct_instance_segmentation": write_spine_phantoms,
}
