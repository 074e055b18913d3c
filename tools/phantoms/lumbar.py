"""Axial lumbar MRI from nothing: vertebra, muscles and fat with exact labels."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .spinal_cord import degrade, ellipse

MUSCLES = {"1": "right erector spinae", "2": "right multifidus", "3": "left multifidus", "4": "left erector spinae"}
REGIONS = {
    "1": "vertebral body",
    "2": "right psoas major",
    "3": "left psoas major",
    "4": "right multifidus - erector spinae",
    "5": "left multifidus - erector spinae",
    "6": "subcutaneous fat",
}
LABELS = {kind: {"0": "background"} | names for kind, names in (("muscles", MUSCLES), ("regions", REGIONS))}
SUBSAMPLES = 2  # per pixel and axis, for partial volume

# Means of the tissues, air 0, brightest about 1.
TISSUES = ("air", "fat", "muscle", "marrow", "cortex", "disc", "csf", "organ", "gas")
CONTRASTS = {
    "water": (0.0, 0.06, 0.55, 0.35, 0.1, 0.5, 0.95, 0.7, 0.02),
    "fat": (0.0, 0.95, 0.08, 0.45, 0.05, 0.05, 0.03, 0.1, 0.02),
    "t2": (0.0, 0.8, 0.22, 0.45, 0.05, 0.35, 1.0, 0.45, 0.02),
    "t1": (0.0, 0.95, 0.35, 0.5, 0.08, 0.3, 0.15, 0.4, 0.02),
}
# Which tissue and which label of each kind a structure has.
STRUCTURES = {
    "skin": ("fat", None, "subcutaneous fat"),
    "inside": ("fat", None, None),
    "organ": ("organ", None, None),
    "gas": ("gas", None, None),
    "wall": ("muscle", None, None),
    "quadratus": ("muscle", None, None),
    "psoas": ("muscle", None, "psoas major"),
    "erector": ("muscle", "erector spinae", "multifidus - erector spinae"),
    "multifidus": ("muscle", "multifidus", "multifidus - erector spinae"),
    "cortex": ("cortex", None, None),
    "body": ("marrow", None, "vertebral body"),
    "canal": ("csf", None, None),
}


@dataclass(frozen=True)
class LumbarPhantom:
    """An image and its exact label map, arrays ``(X, Y, Z)`` in RAS, and an affine in mm."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray


def make_lumbar_phantom(random: np.random.Generator, kind: str = "muscles", slices: int | None = None) -> LumbarPhantom:
    """Draw one volume, one of the contrasts water, fat, T2 and T1.

    Args:
        random: source of everything that is not given.
        kind: a key of `LABELS`: four muscles of the back as in the shipped weights, or the six regions of the seed.
        slices: number of slices.
    """
    values = {name: int(value) for value, name in LABELS[kind].items()}
    spacing = random.uniform(0.7, 1.6)
    field = random.uniform(250, 420)
    slices = slices or int(random.integers(2, 6))
    size = round(field / spacing)
    anatomy = _Anatomy(random)
    contrast = CONTRASTS[str(random.choice(list(CONTRASTS)))]
    means = dict(zip(TISSUES, np.clip(np.array(contrast) * random.uniform(0.8, 1.2, len(contrast)), 0, 1), strict=True))
    shift = np.array([random.uniform(-15, 15), random.uniform(-15, 15) + 0.1 * field - 20])
    image, label = np.empty((size, size, slices), np.float32), np.zeros((size, size, slices), np.uint8)
    for z in range(slices):
        shapes = anatomy.shapes()
        x, y = _centres(size, spacing, shift, SUBSAMPLES)
        drawn = np.zeros(x.shape, np.float32)
        infiltration = anatomy.infiltration(x.shape, SUBSAMPLES / spacing)
        for structure, shape in shapes:
            tissue = STRUCTURES[structure.split(" ")[-1]][0]
            inside = shape(x, y)
            drawn[inside] = means[tissue]
            if tissue == "muscle":
                drawn[inside & infiltration] = means["fat"]
        image[..., z] = drawn.reshape(size, SUBSAMPLES, size, SUBSAMPLES).mean(axis=(1, 3))
        x, y = _centres(size, spacing, shift, 1)
        for structure, shape in shapes:
            label[..., z][shape(x, y)] = _value(structure, kind, values)
    affine = np.diag([spacing, spacing, random.uniform(3, 6), 1.0])
    affine[:3, 3] = [-field / 2, -field / 2, random.uniform(-100, 100)]
    return LumbarPhantom(np.round(degrade(image, random, (spacing, spacing)) * 1000).astype(np.int16), label, affine)


def _value(structure: str, kind: str, values: dict[str, int]) -> int:
    side, _, name = structure.rpartition(" ")
    label = STRUCTURES[name][1 if kind == "muscles" else 2]
    return 0 if label is None else values[f"{side} {label}" if side else label]


def _centres(size: int, spacing: float, shift: np.ndarray, subsamples: int) -> list[np.ndarray]:
    line = ((np.arange(size * subsamples) + 0.5) / subsamples - size / 2) * spacing
    return np.meshgrid(line - shift[0], line - shift[1], indexing="ij")


class _Anatomy:
    """Random proportions of one person; every slice varies them a little. Origin at the canal, x right, y front, in mm."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.width, self.depth = random.uniform(120, 175), random.uniform(80, 120)
        self.fat = random.uniform(6, 35)
        self.body = np.array([random.uniform(20, 28), random.uniform(14, 20)])
        self.psoas = np.array([random.uniform(13, 24), random.uniform(16, 28)])
        self.multifidus = np.array([random.uniform(10, 16), random.uniform(14, 22)])
        self.erector = np.array([random.uniform(20, 34), random.uniform(14, 24)])
        self.infiltrated = random.uniform(0.0, 0.15)
        self.lean = random.uniform(-0.06, 0.06)
        self.organs = [
            (
                random.uniform(-90, 90),
                random.uniform(45, 130),
                random.uniform(12, 40),
                random.uniform(10, 30),
                random.random() < 0.3,
            )
            for _ in range(12)
        ]

    def shapes(self) -> list[tuple[str, object]]:
        """Return structures, sides before their names, from outermost to innermost; later ones are drawn over earlier ones."""
        random = self.random

        def vary(sizes):
            return np.asarray(sizes) * random.uniform(0.93, 1.07, 2)

        bx, by = vary(self.body)
        px, py = vary(self.psoas)
        mx, my = vary(self.multifidus)
        ex, ey = vary(self.erector)
        front = by + 10
        back = -(max(2 * my, 2 * ey) + 14 + self.fat)  # of the skin
        middle = back + self.depth
        trunk = ellipse(0, middle, self.width - self.fat, self.depth - self.fat)
        shapes = [("skin", ellipse(0, middle, self.width, self.depth)), ("inside", trunk)]
        shapes.append(("wall", _ring(trunk, ellipse(0, middle + 6, self.width - self.fat - 12, self.depth - self.fat - 6))))
        for x, y, rx, ry, gas in self.organs:
            shape = ellipse(x, y + front, rx, ry)
            shapes.append(("gas" if gas else "organ", lambda u, v, shape=shape: shape(u, v) & trunk(u, v)))
        for side, sign in (("right", 1), ("left", -1)):
            tilt = sign * random.uniform(0.0, 0.3) + self.lean
            shapes += [
                ("quadratus", ellipse(sign * (ex + mx * 2 + 18), -8, 16, 9, sign * 0.5)),
                (f"{side} psoas", ellipse(sign * (bx + px * 0.8), front - 4, px, py, -sign * 0.2)),
                (f"{side} erector", ellipse(sign * (mx * 1.6 + ex * 0.9), -(10 + ey), ex, ey, tilt)),
                (f"{side} multifidus", ellipse(sign * (mx + 2.5), -(12 + my), mx, my, sign * 0.15 + self.lean)),
            ]
        shapes += [
            ("cortex", ellipse(0, -22, 2.5, 20)),
            ("cortex", ellipse(-20, -8, 18, 4, 0.3)),
            ("cortex", ellipse(20, -8, 18, 4, -0.3)),
            ("cortex", ellipse(0, 0, 13, 11)),
            ("body", ellipse(0, front, bx, by)),
            ("canal", ellipse(0, 0, 9, 7.5)),
        ]
        return shapes

    def infiltration(self, shape: tuple[int, int], per_mm: float) -> np.ndarray:
        """Return where fat lies between the fibres."""
        noise = gaussian_filter(self.random.normal(size=shape), 1.2 * per_mm)
        return noise > np.quantile(noise, 1 - self.infiltrated) if self.infiltrated else np.zeros(shape, bool)


def _ring(outer, inner):
    return lambda x, y: outer(x, y) & ~inner(x, y)
