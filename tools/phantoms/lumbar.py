"""Axial lumbar MRI from nothing: vertebra, muscles and fat with exact labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .lumbar_anatomy import Anatomy
from .muscle_shapes import Person, ShapedAnatomy
from .spinal_cord import degrade

MUSCLES = {"1": "right erector spinae", "2": "right multifidus", "3": "left multifidus", "4": "left erector spinae"}
REGIONS = {
    "1": "vertebral body",
    "2": "right psoas major",
    "3": "left psoas major",
    "4": "right multifidus - erector spinae",
    "5": "left multifidus - erector spinae",
    "6": "subcutaneous fat",
}
EIGHT = MUSCLES | {
    "5": "right psoas major",
    "6": "left psoas major",
    "7": "right quadratus lumborum",
    "8": "left quadratus lumborum",
}
LABELS = {kind: {"0": "background"} | names for kind, names in (("muscles", MUSCLES), ("eight", EIGHT), ("regions", REGIONS))}
SUBSAMPLES = 2  # per pixel and axis, for partial volume

# Means of the tissues, air 0, brightest about 1.
TISSUES = ("air", "fat", "muscle", "marrow", "cortex", "disc", "csf", "organ", "gas")
CONTRASTS = {
    "water": (0.0, 0.06, 0.55, 0.35, 0.1, 0.5, 0.95, 0.7, 0.02),
    "fat": (0.0, 0.95, 0.08, 0.45, 0.05, 0.05, 0.03, 0.1, 0.02),
    "t2": (0.0, 0.8, 0.22, 0.45, 0.05, 0.35, 1.0, 0.45, 0.02),
    "t1": (0.0, 0.95, 0.35, 0.5, 0.08, 0.3, 0.15, 0.4, 0.02),
}
# Which tissue a structure has, and what it is called in each kind.
STRUCTURES = {
    "skin": "fat",
    "inside": "fat",
    "organ": "organ",
    "gas": "gas",
    "wall": "muscle",
    "quadratus": "muscle",
    "psoas": "muscle",
    "erector": "muscle",
    "multifidus": "muscle",
    "cortex": "cortex",
    "body": "marrow",
    "canal": "csf",
}
BACK = {"erector": "erector spinae", "multifidus": "multifidus"}
LABELLED = {
    "muscles": BACK,
    "eight": BACK | {"psoas": "psoas major", "quadratus": "quadratus lumborum"},
    "regions": {
        "skin": "subcutaneous fat",
        "psoas": "psoas major",
        "erector": "multifidus - erector spinae",
        "multifidus": "multifidus - erector spinae",
        "body": "vertebral body",
    },
}
LEAST_CONTRAST = 0.2  # between fat and muscle of a contrast drawn anew


@dataclass(frozen=True)
class LumbarPhantom:
    """An image and its exact label map, arrays ``(X, Y, Z)`` in RAS, and an affine in mm."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray


def make_lumbar_phantom(
    random: np.random.Generator, kind: str = "muscles", slices: int | None = None, people: Sequence[Person] = ()
) -> LumbarPhantom:
    """Draw one volume, one of the contrasts water, fat, T2 and T1; with people's shapes half of the volumes of any contrast.

    Args:
        random: source of everything that is not given.
        kind: a key of `LABELS`: the four muscles of the back, eight as in the shipped weights, or the six regions of the seed.
        slices: number of slices.
        people: whose muscles are drawn; ellipses where there are none.
    """
    values = {name: int(value) for value, name in LABELS[kind].items()}
    spacing = random.uniform(0.7, 1.6)
    field = random.uniform(250, 420)
    slices = slices or int(random.integers(2, 6))
    size = round(field / spacing)
    anatomy = ShapedAnatomy(random, people) if people else Anatomy(random)
    means = _any_means(random) if people and random.random() < 0.5 else _usual_means(random)
    shift = np.array([random.uniform(-15, 15), random.uniform(-15, 15) + 0.1 * field - 20])
    image, label = np.empty((size, size, slices), np.float32), np.zeros((size, size, slices), np.uint8)
    for z in range(slices):
        shapes = anatomy.shapes()
        x, y = _centres(size, spacing, shift, SUBSAMPLES)
        drawn = np.zeros(x.shape, np.float32)
        infiltration = anatomy.infiltration(x.shape, SUBSAMPLES / spacing)
        for structure, shape in shapes:
            tissue = STRUCTURES[structure.split(" ")[-1]]
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


def _usual_means(random: np.random.Generator) -> dict[str, float]:
    contrast = CONTRASTS[str(random.choice(list(CONTRASTS)))]
    return dict(zip(TISSUES, np.clip(np.array(contrast) * random.uniform(0.8, 1.2, len(contrast)), 0, 1), strict=True))


def _any_means(random: np.random.Generator) -> dict[str, float]:
    while True:
        means = {tissue: random.uniform(0.03, 1.0) for tissue in TISSUES} | {"air": 0.0, "gas": random.uniform(0.0, 0.05)}
        if abs(means["fat"] - means["muscle"]) >= LEAST_CONTRAST:
            return means


def _value(structure: str, kind: str, values: dict[str, int]) -> int:
    side, _, name = structure.rpartition(" ")
    label = LABELLED[kind].get(name)
    return 0 if label is None else values[f"{side} {label}" if side else label]


def _centres(size: int, spacing: float, shift: np.ndarray, subsamples: int) -> list[np.ndarray]:
    line = ((np.arange(size * subsamples) + 0.5) / subsamples - size / 2) * spacing
    return np.meshgrid(line - shift[0], line - shift[1], indexing="ij")
