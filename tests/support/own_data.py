"""Images with labels of a task of one's own, as small as can be, in the layouts that users have."""

from pathlib import Path

import numpy as np
from conftest import save_nifti
from PIL import Image


def ball(random: np.random.Generator, shape=(24, 20, 12), spacing=(1.0, 1.0, 2.0)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an image with a bright and a dark ball, its label map, and its affine."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) * spacing
    label = np.zeros(shape, np.uint8)
    extent = np.array(shape) * spacing
    for value, share in ((1, 0.3), (2, 0.7)):
        centre = extent * (share, 0.5, 0.5) + random.uniform(-1, 1, 3)
        label[np.linalg.norm(grid - centre, axis=-1) < 0.17 * extent[0]] = value
    image = random.normal(100, 5, shape) + np.choose(label, (0, 60, -60))
    return image.astype(np.int16), label, np.diag([*spacing, 1.0])


def write_pairs(folder: Path, cases: int = 4, **options) -> Path:
    """Write ``case_N_image.nii.gz`` beside ``case_N_label.nii.gz``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, affine = ball(np.random.default_rng(number), **options)
        save_nifti(folder / f"case_{number}_image.nii.gz", image, affine)
        save_nifti(folder / f"case_{number}_label.nii.gz", label, affine)
    return folder


def write_nnunet(folder: Path, cases: int = 4, channels: int = 2) -> Path:
    """Write ``imagesTr/case_N_0000.nii.gz``, ... and ``labelsTr/case_N.nii.gz``."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, affine = ball(np.random.default_rng(number))
        for channel in range(channels):
            save_nifti(
                folder / "imagesTr" / f"case_{number}_{channel:04d}.nii.gz", image + np.int16(10 * channel) * (label == 2), affine
            )
        save_nifti(folder / "labelsTr" / f"case_{number}.nii.gz", label, affine)
    return folder


def write_pictures(folder: Path, cases: int = 4, foreground: int = 255, size=(64, 48)) -> Path:
    """Write ``images/N.png`` and binary ``labels/N.png``."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, _ = ball(np.random.default_rng(number), (*size, 1), (1.0, 1.0, 1.0))
        Image.fromarray(image[..., 0].T.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(((label[..., 0].T == 1) * foreground).astype(np.uint8)).save(folder / "labels" / f"{number}.png")
    return folder
