"""Read and write NIfTI, and say what belongs to one grid."""

from pathlib import Path

import nibabel
import numpy as np

from custom_networks.errors import UserError

AFFINE_TOLERANCE = 1e-2  # mm
NO_NUMBERS = {"c": "complex numbers", "V": "colours"}  # kinds of numpy


def load_nifti(path: Path, remedy: str = "Replace the file.") -> nibabel.Nifti1Image:
    """Load a NIfTI file, pixels too; a damaged one, or one of no numbers, is a `UserError`, whose last words may be given."""
    try:
        image = nibabel.load(path)
        kind = np.asarray(image.dataobj).dtype.kind
    except Exception as error:  # nibabel and gzip raise many types for broken files
        raise UserError(f"{path}: cannot be read ({error}).", remedy) from error
    if kind in NO_NUMBERS:
        raise UserError(f"{path}: holds {NO_NUMBERS[kind]}, no plain numbers.", remedy)
    return image


def save_nifti(path: Path, array: np.ndarray, affine: np.ndarray) -> None:
    """Write an array with its affine in mm."""
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def save_pair(folder: Path, case: str, image: np.ndarray, label: np.ndarray, affine: np.ndarray) -> dict[str, str]:
    """Write ``<case>_image.nii.gz`` and ``<case>_label.nii.gz``; return their entry of a data list."""
    entry = {key: f"{case}_{key}.nii.gz" for key in ("image", "label")}
    for key, array in (("image", image), ("label", label)):
        save_nifti(folder / entry[key], array, affine)
    return entry


def save_study(folder: Path, case: str, images: dict[str, np.ndarray], label: np.ndarray, affine: np.ndarray) -> dict:
    """Write ``<case>_<modality>.nii.gz`` for each image and ``<case>_label.nii.gz``; return their entry of a data list."""
    entry = {"image": [f"{case}_{name}.nii.gz" for name in images], "label": f"{case}_label.nii.gz"}
    for name, array in zip(entry["image"], images.values(), strict=True):
        save_nifti(folder / name, array, affine)
    save_nifti(folder / entry["label"], label, affine)
    return entry


def check_same_grid(
    path: Path, shape: tuple, affine: np.ndarray, image: Path, image_shape: tuple, image_affine: np.ndarray
) -> None:
    """Refuse a label map that does not lie on the grid of its image.

    Raises:
        UserError: names both files and what differs.
    """
    if shape != image_shape:
        raise UserError(f"{path}: shape {shape}, but {image.name} has {image_shape}.", "Draw it on the image's grid.")
    if np.abs(affine - image_affine).max() > AFFINE_TOLERANCE:
        raise UserError(f"{path}: lies elsewhere than {image.name} (their affines differ).", "Resample it to the image's grid.")
