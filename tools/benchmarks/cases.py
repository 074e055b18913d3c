"""Cases as scanners make them, of a whole field of view, for bundles that no package brings scans for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import zoom

from custom_networks.data.data_list import load_data_list

from ..bundles import Bundle
from ..datasets.digits import prepare_digits
from ..layout.nifti import save_pair, save_study
from ..phantoms.brain import make_brain_phantom
from ..phantoms.chest import make_chest_phantom
from ..phantoms.lumbar import make_lumbar_phantom
from ..phantoms.spinal_cord import make_cord_phantom
from ..phantoms.spine import make_spine_phantom
from ..phantoms.spine_anatomy import Person

CORDS = {  # columns, rows, slices to the field in mm
    (256, 192, 20): (200.0, 150.0),
    (448, 448, 15): (224.0, 224.0),
}
BRAIN = (182, 218, 182)  # of the MNI grid at 1 mm
FILM = 1024  # pixels a side
CT_FIELD, CT_HEIGHT, CT_PIXELS = 300, 330, 512  # mm, mm, pixels a row


def full_field_cases(bundle: Bundle, folder: Path) -> list:
    """Write cases of a bundle and return their images: the digits of scikit-learn, and phantoms of whole fields of view.

    Cords have 256x192x20 voxels in 200x150 mm and 448x448x15 in 224x224 mm, CTs 512x512x330 in 300x300x330 mm, brains 182x218x182
    voxels of 1 mm, films 1024x1024 pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if bundle.name in WRITERS:
        names = WRITERS[bundle.name](folder)
        return [folder / name if isinstance(name, str) else [folder / part for part in name] for name in names]
    return [entry["image"] for entry in load_data_list(prepare_digits(folder).parent, "test")]


def _cords(folder: Path) -> list[str]:
    entries = []
    for index, ((columns, rows, slices), field) in enumerate(CORDS.items()):
        spacing = (field[0] / columns, field[1] / rows)
        phantom = make_cord_phantom(np.random.default_rng([0, index]), "t2star", spacing, field, slices)
        entries.append(save_pair(folder, f"cord_{columns}", phantom.image, phantom.label, phantom.affine)["image"])
    return entries


def _spine(folder: Path) -> list[str]:
    phantom = make_spine_phantom(np.random.default_rng(7), "abdomen", Person(), 1, (CT_FIELD, CT_FIELD))
    image, label = (array[..., -CT_HEIGHT - 40 : -40] for array in (phantom.image, phantom.label))
    factors = (CT_PIXELS / image.shape[0], CT_PIXELS / image.shape[1], 1)
    affine = np.diag([CT_FIELD / CT_PIXELS, CT_FIELD / CT_PIXELS, 1.0, 1.0])
    return [save_pair(folder, "spine", zoom(image, factors, order=1), zoom(label, factors, order=0), affine)["image"]]


def _brain(folder: Path) -> list[list[str]]:
    phantom = make_brain_phantom(np.random.default_rng(0))
    factors = [whole / size for whole, size in zip(BRAIN, phantom.label.shape, strict=True)]
    images = {name: zoom(image, factors, order=1) for name, image in phantom.images.items()}
    return [save_study(folder, "brain", images, zoom(phantom.label, factors, order=0), np.eye(4))["image"]]


def _films(folder: Path) -> list[str]:
    entries = []
    for index in range(3):
        phantom = make_chest_phantom(np.random.default_rng([0, index]))
        factor = FILM / len(phantom.image)
        image, label = (zoom(array, (factor, factor, 1), order=n) for array, n in ((phantom.image, 1), (phantom.label, 0)))
        affine = phantom.affine @ np.diag([1 / factor, 1 / factor, 1.0, 1.0])
        entries.append(save_pair(folder, f"film_{index}", image, label, affine)["image"])
    return entries


def _lumbar(folder: Path) -> list[str]:
    phantom = make_lumbar_phantom(np.random.default_rng(0), slices=20)
    return [save_pair(folder, "lumbar", phantom.image, phantom.label, phantom.affine)["image"]]


WRITERS: dict[str, Callable[[Path], list]] = {
    "chest_xray_organs_segmentation": _films,
    "spinal_cord_gray_matter_segmentation": _cords,
    "spinal_muscles_mri_segmentation": _lumbar,
    "vertebrae_ct_instance_segmentation": _spine,
    "white_matter_lesions_mri_segmentation": _brain,
}
