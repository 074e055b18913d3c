"""Skull-stripped brain MRI from nothing: FLAIR and T1 with exact white-matter lesions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .spinal_cord import degrade

LABELS = {"0": "background", "1": "lesion"}
MOST_LESIONS = 40
# Means of air, CSF, gray matter, white matter, lesion in the two images.
MEANS = {"FLAIR": np.array([0.0, 0.12, 0.62, 0.5, 0.9]), "T1": np.array([0.0, 0.2, 0.55, 0.85, 0.55])}


@dataclass(frozen=True)
class BrainPhantom:
    """Images by modality, FLAIR and T1, and the exact label map, arrays ``(X, Y, Z)`` in RAS, and an affine in mm."""

    images: dict[str, np.ndarray]
    label: np.ndarray
    affine: np.ndarray


def make_brain_phantom(random: np.random.Generator, kind: str | None = None) -> BrainPhantom:
    """Draw one brain: folded cortex, white matter, ventricles, lesions mostly around these.

    Args:
        random: source of everything that is not given.
        kind: ``"healthy"`` draws no lesions.
    """
    size = random.integers((72, 88, 64), (90, 106, 84))
    spacing = random.uniform(1.4, 1.7)
    axes = np.meshgrid(*((np.arange(n) - n / 2 + 0.5) for n in size), indexing="ij")
    half = size / 2 * random.uniform(0.86, 0.94, 3)
    folds = _smooth(random, size, 4.0)
    radius = np.sqrt(sum((axis / h) ** 2 for axis, h in zip(axes, half, strict=True))) + 0.012 * folds
    depth = (1 - radius) * half.min() * spacing  # mm below the surface
    ventricles = np.zeros(tuple(size), bool)
    for side in (-1, 1):
        x = (axes[0] - side * 0.14 * half[0] - side * 0.02 * np.abs(axes[1])) / (0.09 * half[0] * random.uniform(0.8, 1.6))
        y, z = axes[1] / (0.42 * half[1]), (axes[2] - 0.1 * half[2] + 0.002 * axes[1] ** 2) / (0.2 * half[2])
        ventricles |= x**2 + y**2 + z**2 <= 1
    outside = draw_outside(random, depth, spacing) & ~ventricles
    cortex = ndimage.distance_transform_edt(~outside, sampling=spacing) <= random.uniform(2.0, 3.5)
    tissue = np.select([radius > 1, outside | ventricles, cortex], [0, 1, 2], 3).astype(np.uint8)
    label = np.zeros(tuple(size), np.uint8)
    if kind != "healthy":
        _draw_lesions(random, label, (tissue == 3), ventricles, spacing)
    tissue[label > 0] = 4
    images = {name: _render(random, tissue, means, spacing) for name, means in _draw_means(random).items()}
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -spacing * size / 2
    return BrainPhantom(images, label, affine)


def draw_outside(random: np.random.Generator, depth: np.ndarray, spacing: float) -> np.ndarray:
    """Return what the cortex covers: all down to 1 mm below the surface, and sulci that hang together with it.

    Sulci are the sheets where a smooth random field passes through 0, down to 9 mm on average.

    Args:
        random: source of the sulci.
        depth: mm below the surface ``(X, Y, Z)``, negative outside; the first voxel lies outside.
        spacing: mm of a voxel's side.
    """
    field = _smooth(random, depth.shape, random.uniform(5, 8) / spacing)
    slope = np.linalg.norm(np.gradient(field), axis=0)
    bottom = 9 + 3 * _smooth(random, depth.shape, 6.0)
    pieces, _ = ndimage.label((depth <= 1) | ((np.abs(field) < 0.7 * slope) & (depth < bottom)))
    return pieces == pieces[0, 0, 0]


def _draw_lesions(random, label: np.ndarray, white: np.ndarray, ventricles: np.ndarray, spacing: float) -> None:
    near = white & (ndimage.gaussian_filter(ventricles.astype(np.float32), 4 / spacing) > 0.02)
    places = [np.argwhere(near), np.argwhere(white)]
    axes = np.indices(label.shape)
    for _ in range(int(random.integers(3, MOST_LESIONS))):
        candidates = places[int(random.random() < 0.4)]
        centre = candidates[random.integers(len(candidates))]
        radii = np.exp(random.normal(0.6, 0.5, 3)).clip(0.9, 7) / spacing
        offset = [(axis - c) / r for axis, c, r in zip(axes, centre, radii, strict=True)]
        label[(sum(part**2 for part in offset) <= 1) & white] = 1


def _draw_means(random) -> dict[str, np.ndarray]:
    """Return the tissues' means; gray matter on FLAIR lies anywhere from white matter to half way to lesions."""
    means = {name: values * random.uniform(0.9, 1.1, len(values)) for name, values in MEANS.items()}
    white, lesion = means["FLAIR"][3:]
    means["FLAIR"][2] = white + random.uniform(0.05, 0.5) * (lesion - white)
    return means


def _render(random, tissue: np.ndarray, means: np.ndarray, spacing: float) -> np.ndarray:
    image = ndimage.gaussian_filter(means[tissue].astype(np.float32), random.uniform(0.3, 0.6))
    image = degrade(image, random, (spacing, spacing)) * (tissue > 0)
    return np.round(image * 1000).astype(np.int16)


def _smooth(random, size: Sequence[int], sigma: float) -> np.ndarray:
    """Return a random field of standard deviation 1, smooth over ``sigma`` voxels."""
    coarse = random.normal(size=tuple(int(np.ceil(n / sigma)) + 3 for n in size))
    field = ndimage.zoom(coarse, sigma, order=3)[tuple(slice(0, n) for n in size)]
    return field / field.std()
