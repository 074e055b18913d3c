"""CT of two kidneys from nothing, with exact labels: a task that none of the bundles has, to try `axial new` on."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

LABELS = {"0": "background", "1": "right kidney", "2": "left kidney"}
HU = {"air": -1000, "fat": -100, "muscle": 55, "liver": 110, "spleen": 120, "bowel": 30, "gas": -800, "bone": 350, "kidney": 150}
FIELD = (300.0, 220.0)  # mm, right to left and front to back
FINE = 2.5  # mm, in which shapes are drawn along the body


@dataclass(frozen=True)
class KidneyPhantom:
    """An image and its exact label map, arrays ``(X, Y, Z)`` in RAS, and an affine in mm."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray


def make_kidney_phantom(random: np.random.Generator, kind: str | None = None) -> KidneyPhantom:
    """Draw an abdomen with thick slices: liver and spleen as bright as the kidneys, bowel, spine, noise.

    Args:
        random: source of everything.
        kind: not used; there is one.
    """
    spacing, thickness = random.uniform(2.6, 3.4), random.uniform(8.0, 11.0)
    columns, rows = (round(size / spacing) for size in FIELD)
    slices = int(random.integers(16, 22))
    grid = np.meshgrid(
        (np.arange(columns) - columns / 2 + 0.5) * spacing,
        (np.arange(rows) - rows / 2 + 0.5) * spacing,
        (np.arange(round(slices * thickness / FINE)) + 0.5) * FINE - slices * thickness / 2,
        indexing="ij",
    )
    image = np.full(grid[0].shape, float(HU["air"]), np.float32)
    label = np.zeros(grid[0].shape, np.uint8)
    width, depth = random.uniform(118, 138), random.uniform(82, 98)
    outer = _ellipsoid(grid, (0, 0, 0), (width, depth, 1e4))
    inner = _ellipsoid(grid, (0, 0, 0), (width - random.uniform(8, 25), depth - random.uniform(8, 20), 1e4))
    image[outer], image[inner] = HU["muscle"], HU["fat"]
    image[outer & ~_ellipsoid(grid, (0, 0, 0), (width - 5, depth - 5, 1e4))] = HU["fat"]
    enhanced = random.uniform(0.7, 1.3)
    organs = [("liver", (58, 18, 45), (52, 45, 50)), ("spleen", (-78, -12, 45), (22, 32, 38))]
    organs += [
        (str(random.choice(["bowel", "gas"])), random.uniform((-60, 5, -90), (60, 55, 20)), random.uniform(10, 24, 3))
        for _ in range(9)
    ]
    for name, centre, radii in organs:
        where = _ellipsoid(grid, np.asarray(centre) + random.normal(0, 4, 3), np.asarray(radii) * random.uniform(0.85, 1.15, 3))
        image[where & inner] = HU[name] * (enhanced if HU[name] > 100 else 1)
    for value, side in ((1, 1), (2, -1)):
        centre = np.array([side * random.uniform(48, 60), random.uniform(-38, -24), random.uniform(-22, -2) - 8 * (side > 0)])
        radii = np.array([random.uniform(20, 26), random.uniform(20, 26), random.uniform(44, 56)])
        turn = random.uniform(0.1, 0.3) * side
        kidney = _ellipsoid(grid, centre, radii, turn)
        pelvis = _ellipsoid(grid, centre - (side * radii[0] * 0.75, 0, 0), radii * (0.6, 0.5, 0.4), turn)
        image[kidney] = HU["kidney"] * enhanced
        image[kidney & pelvis] = HU["fat"]
        label[kidney & ~pelvis] = value
    for centre, radii in (((0, -45, 0), (19, 16, 1e4)), ((0, -74, 0), (7, 12, 1e4))):
        image[_ellipsoid(grid, centre, radii)] = HU["bone"]
    blurred = gaussian_filter(image, (0.6, 0.6, thickness / FINE / 2.5))
    thick = (1, 1, slices / image.shape[2])
    noise = gaussian_filter(random.normal(0, 1, (columns, rows, slices)), (0.5, 0.5, 0))
    scanned = zoom(blurred, thick, order=1, grid_mode=True, mode="nearest") + noise * random.uniform(10, 30) / noise.std()
    labels = zoom(label, thick, order=0, grid_mode=True, mode="nearest")
    affine = np.diag([spacing, spacing, thickness, 1.0])
    affine[:3, 3] = -np.array([columns * spacing, rows * spacing, slices * thickness]) / 2
    return KidneyPhantom(np.clip(np.round(scanned), -1024, 3071).astype(np.int16), labels, affine)


def _ellipsoid(grid, centre, radii, turn: float = 0.0) -> np.ndarray:
    """Return where an ellipsoid is, turned in the frontal plane, in mm."""
    x, y, z = (axis - middle for axis, middle in zip(grid, centre, strict=True))
    x, z = x * np.cos(turn) - z * np.sin(turn), x * np.sin(turn) + z * np.cos(turn)
    return (x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2 <= 1
