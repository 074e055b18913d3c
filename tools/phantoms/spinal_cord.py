"""Axial spinal cord MRI from nothing: analytic anatomy, random contrast, exact labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from custom_networks.errors import UserError

GRAY_MATTER, WHITE_MATTER = 1, 2
SUBSAMPLES = 3  # per pixel and axis, for partial volume

# Usual means of the tissues in three contrasts, air 0, brightest about 1.
CONTRASTS = {
    "t2star": {"gray": 0.62, "white": 0.48, "csf": 0.95, "bone": 0.22, "disc": 0.45, "muscle": 0.35, "fat": 0.55, "vessel": 0.9},
    "mt": {"gray": 0.50, "white": 0.38, "csf": 0.80, "bone": 0.40, "disc": 0.35, "muscle": 0.30, "fat": 0.75, "vessel": 0.7},
    "t1": {"gray": 0.45, "white": 0.55, "csf": 0.18, "bone": 0.55, "disc": 0.40, "muscle": 0.40, "fat": 0.95, "vessel": 0.3},
}

Coordinates = tuple[np.ndarray, np.ndarray]
Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CordPhantom:
    """An image and its exact label map (1 gray, 2 white matter), arrays ``(X, Y, Z)`` and an affine in mm."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray
    contrast: str


def ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Shape:
    """Return the indicator of an ellipse: centre and radii in mm, ``angle`` in radians."""
    cos, sin = np.cos(angle), np.sin(angle)

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
        return (u / rx) ** 2 + (v / ry) ** 2 <= 1

    return inside


def butterfly(rx: float, ry: float, random: np.random.Generator) -> Shape:
    """Return the indicator of the gray matter in a cord of radii ``rx`` and ``ry`` mm; y points to the front.

    Two ventral horns, two slender dorsal horns that run outwards to the back, and the commissure between them.
    """
    horn, gap, tilt = random.uniform(0.2, 0.36), random.uniform(0.24, 0.36), random.uniform(0.2, 0.55)
    width, length = random.uniform(0.09, 0.16), random.uniform(0.42, 0.55)
    bar = random.uniform(0.06, 0.13)
    parts = [ellipse(0, 0, gap * rx, bar * ry)]
    for side in (-1, 1):
        parts.append(ellipse(side * gap * rx, 0.2 * ry, horn * 0.62 * rx, horn * 1.15 * ry, side * random.uniform(-0.5, 0.1)))
        parts.append(ellipse(side * (gap + 0.07) * rx, -0.28 * ry, width * rx, length * ry, side * tilt))
    return lambda x, y: np.any([part(x, y) for part in parts], axis=0)


def make_cord_phantom(
    random: np.random.Generator,
    contrast: str | None = None,
    spacing: tuple[float, float] | None = None,
    field: tuple[float, float] | None = None,
    slices: int | None = None,
) -> CordPhantom:
    """Draw one volume.

    Args:
        random: source of everything that is not given.
        contrast: a key of `CONTRASTS`.
        spacing: in-plane spacing in mm, x and y.
        field: field of view in mm, x and y.
        slices: number of slices.

    Raises:
        UserError: when the contrast is none of `CONTRASTS`.

    Returns:
        the phantom in RAS orientation; cord centres up to 20 mm off the middle of the image.
    """
    contrast = contrast or str(random.choice(list(CONTRASTS)))
    if contrast not in CONTRASTS:
        raise UserError(f"{contrast}: no such contrast.", f"Choose one of: {', '.join(CONTRASTS)}.")
    if spacing is None:
        pixel = random.uniform(0.3, 0.9)
        spacing = (pixel, pixel * random.uniform(0.9, 1.1))
    if field is None:
        field = (random.uniform(35, 200), random.uniform(35, 200))
    slices = slices or int(random.integers(4, 13))
    thickness = random.uniform(2.5, 12.0)
    matrix = [max(16, round(f / s)) for f, s in zip(field, spacing, strict=True)]
    room = [min(20.0, max(0.0, f / 2 - 12)) for f in field]
    start = np.array([random.uniform(-r, r) for r in room])
    drift = random.normal(0, 0.6, (slices, 2)).cumsum(0) + np.arange(slices)[:, None] * random.normal(0, 0.25, 2)
    drift = np.clip(start + drift, -np.array(room) - 1, np.array(room) + 1)
    means = {tissue: float(np.clip(mean * random.uniform(0.85, 1.15), 0.02, 1)) for tissue, mean in CONTRASTS[contrast].items()}
    anatomy = _Anatomy(random)
    image = np.empty((*matrix, slices), np.float32)
    label = np.zeros((*matrix, slices), np.uint8)
    for z in range(slices):
        layers = anatomy.layers(z / max(1, slices - 1))
        image[..., z] = _render(layers, means, matrix, spacing, drift[z])
        x, y = _pixel_centres(matrix, spacing, drift[z], 1)
        label[..., z][layers["white"](x, y)] = WHITE_MATTER
        label[..., z][layers["gray"](x, y)] = GRAY_MATTER
    image = degrade(image, random, spacing)
    affine = np.diag([spacing[0], spacing[1], thickness, 1.0])
    affine[:3, 3] = [-field[0] / 2, -field[1] / 2, random.uniform(-100, 100)]
    return CordPhantom(np.round(image * 1000).astype(np.int16), label, affine, contrast)


class _Anatomy:
    """Random proportions of one person; every slice varies them a little. Origin at the cord, x right, y front, in mm."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.cord = np.array([random.uniform(5.0, 7.5), random.uniform(3.4, 4.8)])
        self.canal = self.cord + np.array([random.uniform(1.5, 4.5), random.uniform(1.2, 3.5)])
        self.body = np.array([random.uniform(9, 16), random.uniform(7, 12)])
        self.neck = np.array([random.uniform(50, 75), random.uniform(50, 70)])
        self.muscles = [
            (random.uniform(14, 42), random.uniform(-32, 14), random.uniform(6, 13), random.uniform(5, 11), random.uniform(-1, 1))
            for _ in range(8)
        ]
        self.vessels = [(random.uniform(12, 40), random.uniform(-4, 36), random.uniform(1.2, 4.0)) for _ in range(4)]
        self.asymmetry = random.uniform(-0.08, 0.08)

    def layers(self, level: float) -> dict[str, Shape]:
        """Return tissues from outermost to innermost; later ones are drawn over earlier ones."""
        random = self.random
        rx, ry = self.cord * random.uniform(0.93, 1.07, 2) * (1 - 0.1 * level)
        cx, cy = self.canal * random.uniform(0.95, 1.05, 2)
        bx, by = self.body * random.uniform(0.95, 1.05, 2)
        front = cy + by + 0.8
        skin = ellipse(0, front * 0.5, *self.neck)
        inner = ellipse(0, front * 0.5, self.neck[0] - 5, self.neck[1] - 5)
        muscles = [ellipse(s * mx * (1 + s * self.asymmetry), my, a, b, s * t) for mx, my, a, b, t in self.muscles for s in (-1, 1)]
        vessels = [ellipse(s * vx, vy, r, r) for vx, vy, r in self.vessels for s in (-1, 1)]
        arch = ellipse(0, -0.6, cx + 3.2, cy + 3.5)
        spinous = ellipse(0, -(cy + 8), 2.6, 8)
        transverse = [ellipse(s * (bx + 3), 2.0, 8, 3.0, s * 0.3) for s in (-1, 1)]
        bone = "disc" if random.random() < 0.35 else "bone"
        gray = butterfly(rx, ry, random)
        white = ellipse(0, 0, rx, ry)
        fissure = ellipse(0, ry, 0.35, 0.3 * ry)
        return {
            "fat": skin,
            "muscle": lambda x, y: inner(x, y) & np.any([m(x, y) for m in muscles], axis=0),
            "vessel": lambda x, y: np.any([v(x, y) for v in vessels], axis=0),
            "air": ellipse(0, front + by + 14, 9, 7),
            "cortex": lambda x, y: np.any([s(x, y) for s in (arch, spinous, *transverse)], axis=0),
            bone: ellipse(0, front, bx, by),
            "csf": ellipse(0, 0.3, cx, cy),
            "white": white,
            "fissure": lambda x, y: white(x, y) & fissure(x, y),
            "gray": lambda x, y: white(x, y) & gray(x, y),
        }


def _pixel_centres(matrix: list[int], spacing: tuple[float, float], centre: np.ndarray, subsamples: int) -> Coordinates:
    axes = [
        ((np.arange(n * subsamples) + 0.5) / subsamples - n / 2) * s - c for n, s, c in zip(matrix, spacing, centre, strict=True)
    ]
    return tuple(np.meshgrid(*axes, indexing="ij"))


def _render(layers: dict[str, Shape], means: dict[str, float], matrix, spacing, centre) -> np.ndarray:
    x, y = _pixel_centres(matrix, spacing, centre, SUBSAMPLES)
    values = np.zeros(x.shape, np.float32)
    means = means | {"air": 0.0, "cortex": means["bone"] * 0.6, "fissure": means["csf"]}
    for tissue, shape in layers.items():
        values[shape(x, y)] = means[tissue]
    return values.reshape(matrix[0], SUBSAMPLES, matrix[1], SUBSAMPLES).mean(axis=(1, 3))


def degrade(image: np.ndarray, random: np.random.Generator, spacing: tuple[float, float]) -> np.ndarray:
    """Add blur, tissue texture, a smooth bias field and Rician noise."""
    sigma = random.uniform(0.0, 0.35)  # mm
    image = gaussian_filter(image, (sigma / spacing[0], sigma / spacing[1], 0))
    texture = gaussian_filter(random.normal(size=image.shape), (1.5, 1.5, 0)) * 4
    image = image * (1 + random.uniform(0, 0.06) * texture)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in image.shape], indexing="ij")
    bias = sum(random.uniform(-0.2, 0.2) * axis + random.uniform(-0.15, 0.15) * axis**2 for axis in axes)
    image = image * np.exp(bias)
    noise = random.uniform(0.01, 0.05)
    return np.hypot(image + random.normal(0, noise, image.shape), random.normal(0, noise, image.shape))
