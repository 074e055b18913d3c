"""Frontal radiographs of a chest drawn from nothing, with exact labels."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SIDE = 256  # pixels
PIXEL = 1.4  # mm, so that the film is 36 cm wide
CONTRASTS = ("bright", "dark")


@dataclass(frozen=True)
class ChestPhantom:
    """A radiograph ``(columns, rows, 1)``, its label map, and the affine in mm: columns to the patient's left, rows down."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray


def make_chest_phantom(random: np.random.Generator, kind: str | None = None) -> ChestPhantom:
    """Draw lungs, a heart that lies to the left, clavicles, ribs, spine and diaphragm.

    Args:
        random: source of shapes, brightness and noise.
        kind: ``"bright"`` or ``"dark"`` bones; drawn where None, dark ones in a quarter.
    """
    kind = kind or CONTRASTS[int(random.random() < 0.25)]
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), indexing="ij")
    size, lift = random.uniform(0.85, 1.1), random.uniform(-0.1, 0.1)
    x, y = x / size, (y - lift) / size
    label = np.zeros(x.shape, np.uint8)
    for value, side in ((1, -1), (2, 1)):
        label[_lung(x * side, y, random)] = value
    heart = ((x - 0.14) / random.uniform(0.3, 0.4)) ** 2 + ((y - 0.3) / random.uniform(0.26, 0.32)) ** 2 < 1
    label[heart] = 3
    slope = random.uniform(0.05, 0.25)
    for value, side in ((4, -1), (5, 1)):
        along = x * side
        label[(along > 0.08) & (along < 0.6) & (np.abs(y + 0.68 + slope * (along - 0.1)) < 0.035)] = value
    film = _film(x, y, label, random)
    if kind == "dark":
        film = film.max() - film
    image = np.round(4095 * (film - film.min()) / np.ptp(film)).astype(np.int16)
    return ChestPhantom(image[..., None], label[..., None], np.diag([-PIXEL, -PIXEL, 1.0, 1.0]))


def _lung(along: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The patient's right lung lies at negative x; ``along`` runs outwards."""
    top, base = random.uniform(-0.85, -0.75), random.uniform(0.5, 0.62)
    depth = np.clip((y - top) / (base - top), 0, 1)
    outer = random.uniform(0.72, 0.8) * np.sqrt(np.clip(1 - (1 - depth) ** 2.5, 0, 1))
    dome = base - 0.12 * (1 - ((along - 0.45) / 0.35) ** 2)
    return (along > 0.1) & (along < outer) & (y > top) & (y < dome + 0.25 * np.clip(along - 0.6, 0, 1))


def _film(x: np.ndarray, y: np.ndarray, label: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return absorption: soft tissue, less in the lungs, more in bone and below the diaphragm."""
    body = np.clip(1 - (x / 1.02) ** 6, 0, 1)
    film = 0.55 * body + 0.2 * np.exp(-((x / 0.12) ** 2)) + 0.25 / (1 + np.exp(-(y - 0.6) / 0.05))
    film -= random.uniform(0.25, 0.4) * gaussian_filter(np.isin(label, (1, 2)).astype(float), 2)
    film += random.uniform(0.1, 0.2) * gaussian_filter((label == 3).astype(float), 2)
    film += random.uniform(0.08, 0.15) * gaussian_filter((label > 3).astype(float), 0.7)
    ribs = np.cos(2 * np.pi * (y - 0.35 * np.abs(x)) / random.uniform(0.16, 0.22)) > 0.6
    film += 0.06 * gaussian_filter((ribs & (np.abs(x) > 0.1) & (np.abs(x) < 0.85)).astype(float), 1)
    return (
        gaussian_filter(film, 0.7)
        + random.normal(0, 0.012, film.shape)
        + 0.02 * gaussian_filter(random.normal(0, 1, film.shape), 12)
    )
