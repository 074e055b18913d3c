"""Shapes of people's muscles, out of label maps without images, to draw phantoms with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from custom_networks.cases.tree import visible
from custom_networks.errors import UserError

from ..layout.nifti import load_nifti
from .lumbar_anatomy import TO_BODY, Anatomy
from .spinal_cord import Shape, ellipse

# Values 1 to 8 of MuscleMap's label maps, right before left (https://github.com/MuscleMap/MuscleMap).
NAMES = tuple(f"{side} {name}" for name in ("multifidus", "erector", "psoas", "quadratus") for side in ("right", "left"))
GRID = 1.0  # mm
REACH = np.array([[-130.0, 130.0], [-90.0, 120.0]])  # of a slice, from where the multifidus ends in front, in mm
SLICE = 4.0  # mm between two slices that are taken, about
LEAST_AREA = 150.0  # mm2 of each side's multifidus and erector spinae on a slice that is taken
FAR = 50.0  # mm, the distance to a muscle that is not there
FRONT = -12.0  # mm from the canal's centre to where the multifidus ends in front
SACRAL = 0.55  # from this share of the multifidus in the muscles of the back on, the bone in front of them is the sacrum


@dataclass(frozen=True)
class Person:
    """Signed distances in mm to the eight muscles, negative inside, ``(slices, 8, X, Y)`` on `GRID`, and the multifidus' shares.

    The share of the multifidus in the muscles of the back falls from the sacrum to the chest, so it tells like levels of people.
    """

    distances: np.ndarray
    shares: np.ndarray


def load_people(folder: Path) -> list[Person]:
    """Load all label maps of a folder.

    Raises:
        UserError: when there is none, and for a map that holds other values than 0 to 8 or no slice with the muscles of the back.
    """
    files = visible(folder.glob("*.nii*")) if folder.is_dir() else []
    if not files:
        raise UserError(f"{folder}: no label maps.", "Give a folder of NIfTI label maps of the eight muscles of MuscleMap.")
    return [_load(file) for file in files]


def _load(file: Path) -> Person:
    image = nibabel.as_closest_canonical(load_nifti(file))
    labels = np.asarray(image.dataobj)
    if labels.ndim != 3 or not np.isin(labels, range(len(NAMES) + 1)).all():
        raise UserError(
            f"{file}: not the muscles 1 to {len(NAMES)} of a volume.", f"Values are, in this order: {', '.join(NAMES)}."
        )
    spacing = np.array(image.header.get_zooms()[:2], np.float64)
    step = max(1, round(SLICE / image.header.get_zooms()[2]))
    taken = [slice_ for slice_ in np.moveaxis(labels, 2, 0)[::step] if min(_areas(slice_, spacing)[:4]) >= LEAST_AREA]
    if not taken:
        raise UserError(f"{file}: no slice shows multifidus and erector spinae of both sides.", "Leave it out.")
    areas = np.array([_areas(slice_, spacing) for slice_ in taken])
    return Person(np.stack([_distances(slice_, spacing) for slice_ in taken]), areas[:, :2].sum(1) / areas[:, :4].sum(1))


def _areas(labels: np.ndarray, spacing: np.ndarray) -> list[float]:
    return [(labels == value).sum() * spacing.prod() for value in range(1, len(NAMES) + 1)]


def _distances(labels: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    back = np.argwhere((labels == 1) | (labels == 2))
    origin = np.array([(np.argwhere(labels == 1)[:, 0].mean() + np.argwhere(labels == 2)[:, 0].mean()) / 2, back[:, 1].max()])
    places = [axis / side + middle for axis, side, middle in zip(grid_axes(), spacing, origin, strict=True)]
    grid = np.meshgrid(*places, indexing="ij")
    result = np.full((len(NAMES), *grid[0].shape), FAR, np.float32)
    for index in range(len(NAMES)):
        inside = map_coordinates((labels == index + 1).astype(np.float32), grid, order=1) >= 0.5
        if inside.any():
            result[index] = GRID * (distance_transform_edt(~inside) - distance_transform_edt(inside))
    return result


class ShapedAnatomy(Anatomy):
    """A person between two that are given: mixed outlines, thinner or thicker muscles, bent; bones and body fit to them."""

    def __init__(self, random: np.random.Generator, people: Sequence[Person]) -> None:
        super().__init__(random)
        chosen = random.permutation(len(people))[:2]
        self.first, self.second = people[chosen[0]], people[chosen[-1]]
        self.weight = random.uniform(0, 1)
        self.grown = np.repeat(random.uniform(-2.0, 1.0, len(NAMES) // 2), 2)[:, None, None]  # mm
        self.size = random.uniform(0.88, 1.15, 2)
        self.sign = random.choice([-1, 1])  # -1: mirrored
        self.infiltrated, self.clouds = random.uniform(0.0, 0.5) ** 2, random.uniform(0.0, 3.0)
        self.slice = int(random.integers(len(self.first.shares)))

    def shapes(self) -> list[tuple[str, Shape]]:
        """Return structures as `Anatomy` does, of the next slice of the first person, from below upwards."""
        share, distances = self.first.shares[self.slice], self.mixed()
        self.slice = (self.slice + 1) % len(self.first.shares)
        bx, by = self.vary(self.body)
        bones = []
        if share > SACRAL:
            bx, by = bx * self.random.uniform(1.7, 2.3), by * self.random.uniform(0.9, 1.2)
            bones = [part for sign in (-1, 1) for part in _pelvis(sign, self.random)]
        front = by + TO_BODY
        back = (distances[:4] < 0).any(0)
        x, y = grid_axes()
        lowest, widest = y[back.any(0)].min(initial=0.0), np.abs(x[back.any(1)]).max(initial=0.0)
        self.width = max(self.width, widest * self.size[0] + 25 + self.fat)
        trunk = self.trunk(lowest * self.size[1] + FRONT - 6 - self.fat, front)
        return [*trunk, *bones, *self.vertebra(front, bx, by), *self._muscles(distances)]

    def infiltration(self, shape: tuple[int, int], per_mm: float) -> np.ndarray:
        """Return where fat lies: between the fibres, and in clouds as of muscles that waste."""
        noise = gaussian_filter(self.random.normal(size=shape), 1.2 * per_mm)
        clouds = gaussian_filter(self.random.normal(size=shape), 6 * per_mm)
        noise = noise / noise.std() + self.clouds * clouds / clouds.std()
        return noise > np.quantile(noise, 1 - self.infiltrated)

    def mixed(self) -> np.ndarray:
        """Return the distances of a slice; of a muscle that one of both people lacks there, those of the first."""
        other = int(np.abs(self.second.shares - self.first.shares[self.slice]).argmin())
        first, second = self.first.distances[self.slice], self.second.distances[other]
        both = ((first < 0).any((1, 2)) & (second < 0).any((1, 2)))[:, None, None]
        return np.where(both, (1 - self.weight) * first + self.weight * second, first) - self.grown

    def _muscles(self, distances: np.ndarray) -> list[tuple[str, Shape]]:
        """Return the muscles' shapes around the canal's centre: scaled, mirrored, all bent alike."""
        x, y = np.meshgrid(*grid_axes(), indexing="ij")
        waves = self.random.uniform([0, 0.02, 0.02, 0], [2, 0.07, 0.07, 2 * np.pi], (2, 3, 4))  # mm, per mm, per mm, phase
        bent = [sum(height * np.sin(u * x + v * y + phase) for height, u, v, phase in wave) for wave in waves]
        places = grid_indices(self.sign * (x + bent[0]) / self.size[0], (y + bent[1] - FRONT) / self.size[1])
        names = NAMES if self.sign > 0 else [NAMES[index ^ 1] for index in range(len(NAMES))]
        return [
            (name, partial(_inside, map_coordinates(distance, places, order=1, cval=FAR)))
            for name, distance in zip(names, distances, strict=True)
        ]


def grid_axes() -> list[np.ndarray]:
    return [np.arange(low, high + GRID, GRID) for low, high in REACH]


def grid_indices(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    return [(place - low) / GRID for place, low in zip((x, y), REACH[:, 0], strict=True)]


def _inside(distance: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return map_coordinates(distance, grid_indices(x, y), order=1, cval=FAR) < 0


def _pelvis(sign: int, random: np.random.Generator) -> list[tuple[str, Shape]]:
    x, tilt = sign * random.uniform(68, 85), sign * random.uniform(0.3, 0.8)
    return [
        ("wall", ellipse(x + sign * 22, -22, random.uniform(25, 35), random.uniform(18, 30))),
        ("wall", ellipse(x + sign * 4, 32, random.uniform(10, 18), random.uniform(18, 30), tilt)),
        ("cortex", ellipse(x, 4, 8, random.uniform(38, 48), tilt)),
        ("body", ellipse(x, 4, 6, 36, tilt)),
    ]
