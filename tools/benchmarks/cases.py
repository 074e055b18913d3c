"""Cases as scanners make them, of a whole field of view, for bundles that no package brings scans for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from monai.transforms import ResizeWithPadOrCrop
from scipy.ndimage import distance_transform_edt, zoom

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
BRAIN_VOLUME = 1.3e6  # mm3
SKULL, SCALP, DARK = 5, 7, 0.02  # mm, mm, share of the scalp's brightness that air and skull have
MOVED = 3  # voxels by which T1 lies higher in a head
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
    images, label = _draw_brain()
    return [save_study(folder, "brain", images, label, np.eye(4))["image"]]


def raw_head(folder: Path) -> list[Path]:
    """Write one study of a head with skull and scalp, whose T1 lies `MOVED` mm beside FLAIR, and return its images."""
    folder.mkdir(parents=True, exist_ok=True)
    images, label = _draw_brain()
    random, raw = np.random.default_rng(1), {}
    outside = distance_transform_edt(next(iter(images.values())) == 0)
    scalp = (outside > SKULL) & (outside <= SKULL + SCALP)
    for index, (name, image) in enumerate(images.items()):
        head = np.where(scalp, image.max(), image)
        head = np.maximum(head, random.rayleigh(DARK * image.max(), image.shape)).astype(np.int16)
        raw[name] = np.roll(head, index * MOVED, axis=2)
    return [folder / name for name in save_study(folder, "head", raw, label, np.eye(4))["image"]]


def _draw_brain() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the images of a brain of `BRAIN_VOLUME` in the middle of `BRAIN`, 0 outside it, and its lesions."""
    phantom = make_brain_phantom(np.random.default_rng(0))
    inside = next(iter(phantom.images.values())) > 0
    factor, fit = (BRAIN_VOLUME / np.count_nonzero(inside)) ** (1 / 3), ResizeWithPadOrCrop(BRAIN)

    def enlarged(array: np.ndarray, order: int) -> np.ndarray:
        return fit(zoom(array, factor, order=order)[None])[0].numpy()

    inside = enlarged(inside, 0)
    images = {name: np.where(inside, enlarged(image, 1), 0).astype(np.int16) for name, image in phantom.images.items()}
    return images, enlarged(phantom.label, 0)


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
