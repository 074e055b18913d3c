"""Spoil images as scanners, tubes and people do, together with their labels."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

Spoiled = tuple[list[np.ndarray], np.ndarray]


def damage(
    images: Sequence[np.ndarray], label: np.ndarray, rng: np.random.Generator, kind: str | None = None
) -> tuple[str, Spoiled]:
    """Spoil an image in one way of `DAMAGES`.

    Args:
        images: sequences of one case on one grid, ``(X, Y)`` or ``(X, Y, slices)``.
        label: on the same grid.
        rng: source of the random numbers.
        kind: which way; None draws one.

    Returns:
        the way, and the spoiled images as float32, and their label, of the same shape.
    """
    kind = kind or str(rng.choice(list(DAMAGES)))
    images = [np.asarray(image, np.float32) for image in images]
    return kind, DAMAGES[kind](images, label, rng)


def blurred(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Blur by 0.5 to 6 % of the side."""
    sigma = np.exp(rng.uniform(np.log(0.005), np.log(0.06))) * min(label.shape[:2])
    return [ndimage.gaussian_filter(image, (sigma, sigma, 0)[: image.ndim]) for image in images], label


def noisy(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Add normal noise of 0.2 to 4 times the image's standard deviation."""
    level = np.exp(rng.uniform(np.log(0.2), np.log(4)))
    return [image + np.float32(level * image.std()) * rng.standard_normal(image.shape, np.float32) for image in images], label


def cropped(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Cut 10 to 60 % away on one side, and leave black there."""
    axis, share = rng.integers(2), rng.uniform(0.1, 0.6)
    cut = round(share * label.shape[axis])
    part = slice(0, cut) if rng.random() < 0.5 else slice(label.shape[axis] - cut, None)
    where = (part, slice(None)) if axis == 0 else (slice(None), part)
    images, label = [image.copy() for image in images], label.copy()
    for image in images:
        image[where] = image.min()
    label[where] = 0
    return images, label


def rotated(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Turn by 10 to 180 degrees in the plane."""
    angle = rng.uniform(10, 180) * rng.choice((-1, 1))
    turned = [ndimage.rotate(image, angle, reshape=False, order=1, cval=float(image.min())) for image in images]
    return turned, ndimage.rotate(label, angle, reshape=False, order=0)


def shaded(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Darken one side to 2 to 60 % of the other, or turn contrast round."""
    images = [image - image.min() for image in images]
    if rng.random() < 0.3:
        return [image.max() - image for image in images], label
    axis = rng.integers(2)
    ramp = np.linspace(rng.uniform(0.02, 0.6), 1, label.shape[axis], dtype=np.float32)
    ramp = ramp if rng.random() < 0.5 else ramp[::-1]
    shape = [1] * label.ndim
    shape[axis] = -1
    return [image * ramp.reshape(shape) for image in images], label


def covered(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Cover one to three rectangles of up to half the side with one value, as devices and consolidations do."""
    images = [image.copy() for image in images]
    for _ in range(rng.integers(1, 4)):
        sizes = [max(1, round(rng.uniform(0.15, 0.5) * side)) for side in label.shape[:2]]
        starts = [rng.integers(0, side - size + 1) for side, size in zip(label.shape[:2], sizes, strict=True)]
        where = tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))
        share = rng.uniform(0.3, 1)
        for image in images:
            image[where] += share * (np.percentile(image, 90) - image[where])
    return images, label


def shuffled(images: list[np.ndarray], label: np.ndarray, rng: np.random.Generator) -> Spoiled:
    """Shuffle the squares of a board of 3 to 6 a side: nothing of its kind is left, and the truth is empty."""
    count = rng.integers(3, 7)
    edges = [np.linspace(0, side, count + 1).astype(int)[:-1] for side in label.shape[:2]]
    sizes = [side // count for side in label.shape[:2]]
    places = [(x, y) for x in edges[0] for y in edges[1]]
    order = rng.permutation(len(places))
    mixed = [image.copy() for image in images]
    for place, source in zip(places, order, strict=True):
        target, origin = (tuple(slice(p, p + s) for p, s in zip(corner, sizes, strict=True)) for corner in (place, places[source]))
        for old, new in zip(images, mixed, strict=True):
            new[target] = old[origin]
    return mixed, np.zeros_like(label)


DAMAGES: dict[str, Callable[[list[np.ndarray], np.ndarray, np.random.Generator], Spoiled]] = {
    "blur": blurred,
    "noise": noisy,
    "crop": cropped,
    "rotation": rotated,
    "shading": shaded,
    "cover": covered,
    "shuffle": shuffled,
}
