"""CT images with exact instance labels from label maps without images, and deformed copies of scans that have both."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from custom_networks.errors import UserError
from custom_networks.transforms.preprocessing.anti_alias import smoothing

from ..layout.nifti import check_same_grid
from .codes import SACRUM, VERTEBRAE
from .deformation import Deformation
from .pelvis import LOWEST_LUMBAR, PARTS, add_pelvis, read_stl
from .rendering import render
from .scanner import scan
from .surroundings import surround

FINE, COARSE = 1.0, 2.0  # mm: painted on the first grid, written on the second
FACTOR = round(COARSE / FINE)


@dataclass
class Source:
    """A label map, codes of `codes` in RAS on an isotropic grid of 1 mm, or an image with its labels, spacing kept.

    ``whole`` says that every vertebra of it lies wholly in it.
    """

    name: str
    labels: np.ndarray
    spacing: np.ndarray
    image: np.ndarray | None = None
    whole: bool = True


def load_label_map(path: Path, random: np.random.Generator, meshes: Path | None = None) -> Source:
    """Load a label map of vertebrae and, where it ends with L5 and meshes are given, put sacrum and pelvis under it."""
    nifti = nibabel.as_closest_canonical(nibabel.load(path))
    labels = zoom(np.asarray(nifti.dataobj).astype(np.uint8), np.array(nifti.header.get_zooms()[:3]) / FINE, order=0)
    if meshes is not None and (labels == LOWEST_LUMBAR).any() and not (labels == SACRUM).any():
        surfaces = {part: read_stl(_existing(meshes / f"{part}.stl")) for part in PARTS}
        labels = add_pelvis(labels, FINE, surfaces, random)
    return Source(path.name.split(".")[0], labels, np.full(3, FINE))


def load_scan(image: Path, label: Path) -> Source:
    """Load a CT with its instance labels; both in RAS afterwards."""
    pair = [nibabel.as_closest_canonical(nibabel.load(path)) for path in (image, label)]
    check_same_grid(label, pair[1].shape, pair[1].affine, image, pair[0].shape, pair[0].affine)
    ct, labels = np.asarray(pair[0].dataobj, np.float32), np.asarray(pair[1].dataobj).astype(np.uint8)
    return Source(
        image.name.split(".")[0], labels, np.array(pair[0].header.get_zooms()[:3], float), np.maximum(ct, -1024), whole=False
    )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path}: not found.", "Give the folder `meshes` of MyoTorso's repository (MyoHub/myo_sim).")
    return path


def synthesise(source: Source, random: np.random.Generator, quiet: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return a CT in HU (int16) and its instance labels on a grid of 2 mm: painted, or deformed where there is an image.

    A quiet one is without noise and the like, see `scan`.
    """
    shape, centre = _field_of_view(source, random)
    if source.image is None:
        deformation = Deformation(random, shape, FINE, centre)
        labels = Deformation.sample(source.labels, deformation.coordinates(source.spacing), 0, 0)
        return render(surround(labels, random, FINE, ribs=random.random() < 0.85, floating=True), random, FINE, FACTOR, quiet)
    return _deform_scan(source, random, shape, centre, quiet)


def _field_of_view(source: Source, random: np.random.Generator) -> tuple[tuple[int, int, int], np.ndarray]:
    """Draw a box around a part of the spine: its size in fine voxels, and its centre in the source in mm.

    Label maps are followed by unknown tissue above and below, which the box may show; scans end where they end.
    """
    points = np.argwhere(np.isin(source.labels, VERTEBRAE)) * source.spacing
    low, high = points.min(0), points.max(0)
    size = np.array([random.uniform(150, 230), random.uniform(140, 200), 0.0])
    bottom, top = low[2] - random.uniform(0, 60), high[2] + random.uniform(0, 25)
    if not source.whole:
        bottom, top = 0.0, (source.labels.shape[2] - 1) * source.spacing[2]
    if random.random() < 0.5:
        length = random.uniform(0.45, 0.95) * (top - bottom)
        length = max(length, min(150.0, top - bottom))
        bottom = random.uniform(bottom, top - length)
        top = bottom + length
    inside = points[(points[:, 2] >= bottom) & (points[:, 2] <= top)]
    centre = np.append((inside.min(0) + inside.max(0))[:2] / 2, (bottom + top) / 2)
    centre += np.append(random.uniform(-25, 25, 2), 0) + [0, random.uniform(0, 20), 0]
    size[2] = top - bottom
    shape = tuple(int(max(64, round(s / COARSE))) * FACTOR for s in size)
    return shape, centre


def _deform_scan(source: Source, random: np.random.Generator, shape, centre, quiet: bool) -> tuple[np.ndarray, np.ndarray]:
    """Deform image and labels, and cut away what lies beyond the scan's first and last slice."""
    shape = tuple(n // FACTOR for n in shape)
    deformation = Deformation(random, shape, COARSE, centre)
    coordinates = deformation.coordinates(source.spacing)
    smooth = gaussian_filter(source.image, smoothing(COARSE / source.spacing))
    ct = Deformation.sample(smooth, coordinates, 1, -1024)
    labels = Deformation.sample(np.where(np.isin(source.labels, (*VERTEBRAE, SACRUM)), source.labels, 0), coordinates, 0, 0)
    depth = coordinates[2]
    beyond = (depth < 0) | (depth > source.labels.shape[2] - 1)
    middle = beyond[shape[0] // 3 : -shape[0] // 3, shape[1] // 3 : -shape[1] // 3].mean(axis=(0, 1)) > 0.02
    kept = np.flatnonzero(~middle)
    ct, labels = ct[..., kept[0] : kept[-1] + 1], labels[..., kept[0] : kept[-1] + 1]
    if random.random() < 0.7:
        ct = _rescale_bone(ct, random)
    return np.round(scan(ct, random, COARSE, quiet=quiet)).astype(np.int16), labels


def _rescale_bone(ct: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Make bone denser or thinner, and soft tissue brighter or darker, as people and contrast media differ."""
    knots = np.array([-1024, -150, -60, 40, 130, 300, 700, 3071], float)
    values = knots.copy()
    values[3] += random.uniform(-25, 35)
    values[4] += random.uniform(-45, 70)
    values[5] *= random.uniform(0.65, 1.4)
    values[6] *= random.uniform(0.75, 1.35)
    values = np.maximum.accumulate(values)
    return np.interp(ct, knots, values).astype(np.float32)
