"""Read and write NIfTI, and say what belongs to one grid."""

from pathlib import Path

import nibabel
import numpy as np
from nibabel.funcs import squeeze_image

from custom_networks.cases.suffixes import NIFTI_SUFFIXES
from custom_networks.errors import UserError
from custom_networks.geometry.nifti_space import nifti_space
from custom_networks.readers.bounded import check_size, is_gzip, most_bytes
from custom_networks.readers.nifti import read_nifti_header

from .contents import open_content

AFFINE_TOLERANCE = 1e-2  # mm
NIFTI_2 = 540  # bytes of its header
NO_NUMBERS = {"c": "complex numbers", "V": "colours"}  # kinds of numpy


def load_nifti(path: Path, remedy: str = "Replace the file.") -> nibabel.Nifti1Image:
    """Load a NIfTI file, pixels too, its affine in mm and without trailing axes of one voxel.

    Raises:
        UserError: for a damaged one, and one of no numbers; ``remedy`` is what to do.
    """
    try:
        image = _load(path)
        array = np.asarray(image.dataobj)
    except Exception as error:  # nibabel and gzip raise many types for broken files
        raise UserError(f"{path}: cannot be read ({error}).", remedy) from error
    if array.dtype.kind in NO_NUMBERS:
        raise UserError(f"{path}: holds {NO_NUMBERS[array.dtype.kind]}, not plain numbers.", remedy)
    if not array.size:
        raise UserError(f"{path}: holds no voxel.", remedy)
    return _placed(squeeze_image(image))


def _load(path: Path) -> nibabel.Nifti1Image:
    """Load a file as nibabel does, which believes its name; one that is packed although it is ``.nii``, or not, as what it is."""
    name = path.name.lower()
    if not name.endswith(NIFTI_SUFFIXES) or not path.is_file() or is_gzip(path) == name.endswith(".gz"):
        return nibabel.load(path)
    with open_content(path) as stream:
        content = stream.read(most_bytes() + 1)
    check_size(path, len(content))
    two = any(int.from_bytes(content[:4], order) == NIFTI_2 for order in ("little", "big"))
    return (nibabel.Nifti2Image if two else nibabel.Nifti1Image).from_bytes(content)


def load_image(path: Path) -> nibabel.Nifti1Image:
    """Load an image by `load_nifti`, unless no training would read it.

    Raises:
        UserError: for one without a place in space, or with voxels that are no finite numbers, too.
    """
    image = load_nifti(path)
    read_nifti_header(path)
    if count := np.count_nonzero(~np.isfinite(np.asarray(image.dataobj))):
        raise UserError(f"{path}: {count} values are NaN or infinite.", "Replace them, for instance by 0, and try again.")
    return image


def _placed(image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """Return an image whose affine is that which our readers take, in mm; one that has no place in space as nibabel has it."""
    if not isinstance(image, nibabel.Nifti1Pair):
        return image
    try:
        affine = nifti_space(image.header, image.shape).affine
    except ValueError:
        return image
    if np.array_equal(affine, image.affine):
        return image
    result = nibabel.Nifti1Image(image.dataobj, affine, image.header)
    result.header.set_xyzt_units("mm")
    return result


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
