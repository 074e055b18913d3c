"""Measures of a result that tell good masks from bad ones without the truth."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

GRAY_LEVELS = (5, 25, 50, 75, 95)  # percentiles of an image
EMPTY = 1e-6  # share of an image that stands for nothing at all


def to_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Return ``(classes, ...)`` of one image's logits ``(C, ...)``, background first; one channel is that of a single structure."""
    logits = logits.float()
    if len(logits) > 1:
        return logits.softmax(0)
    foreground = logits.sigmoid()
    return torch.cat((1 - foreground, foreground))


def sureness(probabilities: torch.Tensor, mask: torch.Tensor) -> tuple[float, float]:
    """Return the Dice that a mask would have if the probabilities were true.

    Of a structure it is twice the probability inside the mask over the sizes of both: 1 where the network is sure of every voxel.

    Args:
        probabilities: ``(classes, ...)``.
        mask: classes, ``(...)``.

    Returns:
        of all structures together, so that large ones count most, and of the worst; 0 where there is no mask.
    """
    pairs = [(2 * float(p[mask == n].sum()), float(p.sum() + (mask == n).sum())) for n, p in enumerate(probabilities) if n]
    return _together(pairs if (mask > 0).any() else [(0.0, 1.0)])


def agreement(mask: torch.Tensor, other: torch.Tensor, classes: int) -> tuple[float, float]:
    """Return the Dice of two masks, of all structures together and of the worst; 1 where both are empty."""
    pairs = []
    for number in range(1, classes):
        first, second = mask == number, other == number
        pairs.append((2.0 * int((first & second).sum()), float(first.sum() + second.sum())))
    return _together([pair for pair in pairs if pair[1]] or [(1.0, 1.0)])


def _together(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the sum of the first over that of the second, and the smallest of their quotients."""
    return sum(part for part, _ in pairs) / sum(whole for _, whole in pairs), min(part / whole for part, whole in pairs)


def instance_sureness(owner: torch.Tensor, probability: torch.Tensor, threshold: float = 0.5) -> list[float]:
    """Return `sureness` of every instance; ``owner`` has its number, ``probability`` its probability, in a margin around it too."""
    found = []
    for number in owner.unique().tolist():
        mine = probability[owner == number].float()
        inside = mine[mine >= threshold]
        if number and len(inside):
            found.append(float(2 * inside.sum() / (mine.sum() + len(inside))))
    return found


def shape(mask: torch.Tensor, classes: int, pixel: float = 0.0) -> np.ndarray:
    """Return where and how large each class is: the logarithm of its mean size on a slice, then its centre and extent.

    Args:
        mask: classes, ``(H, W)`` or ``(H, W, D)``; slices are along the last axis.
        classes: number of classes, background included.
        pixel: area of a pixel in mm2, so that sizes are in mm2; 0 for images without a scale, where sizes, centres and extents are
            shares of the picture.

    Returns:
        five numbers a class of a picture, one a class of a volume, whose field of view says nothing.
    """
    volume = mask if mask.ndim == 3 else mask[..., None]
    rows, columns = volume.shape[:2]
    numbers = []
    for number in range(1, classes):
        inside = volume == number
        counts = inside.sum((0, 1)).float()
        slices = max(1, int((counts > 0).sum()))
        share = float(counts.sum()) / slices / (rows * columns)
        numbers.append(np.log(max(share * rows * columns * pixel if pixel else share, EMPTY)))
        if pixel:
            continue
        places = inside.nonzero()[:, :2].float() / torch.tensor([rows, columns], device=mask.device)
        if len(places):
            low, high = places.amin(0), places.amax(0)
            numbers += [*places.mean(0).tolist(), *(high - low).tolist()]
        else:
            numbers += [0.0] * 4
    return np.array(numbers)


def appearance(image: torch.Tensor, relative: bool = False) -> np.ndarray:
    """Return percentiles of an image ``(H, W[, D])`` as the network sees it, and how strongly neighbours differ in its plane.

    Args:
        image: the image.
        relative: whether gray values have no unit, as in MRI that the network itself normalises; then the percentiles count from
            the median, in spreads from the first to the last, and brighter or larger values make no difference.
    """
    values = image.float()
    sample = values.flatten()[:: max(1, values.numel() // 200_000)].cpu().numpy()
    steps = [float((values.narrow(axis, 1, size - 1) - values.narrow(axis, 0, size - 1)).abs().mean())
             for axis, size in enumerate(values.shape[:2]) if size > 1]  # fmt: skip
    spread = float(np.std(sample)) or 1.0
    levels = np.percentile(sample, GRAY_LEVELS)
    if relative:
        levels = (levels - np.median(sample)) / ((levels[-1] - levels[0]) or 1.0)
    return np.array([*levels, np.log(max(np.mean(steps) / spread if steps else 0.0, 1e-4))])


def extent(image: torch.Tensor, spacing: Sequence[float]) -> np.ndarray:
    """Return size and form of what a volume ``(X, Y, Z)`` shows: of its voxels other than 0, such as a brain that was cut out.

    Args:
        spacing: in mm.

    Returns:
        the logarithm of its volume in ml and of its lengths along the axes in mm, a hundredth left out at each end; the share of
        that box that it fills; how many of its voxels lie on the volume's border, over the two-thirds power of all of them, a
        measure of its surface. All 0 where nothing is shown.
    """
    shown = image != 0
    count = int(shown.sum())
    if not count:
        return np.zeros(6)
    lengths, border = [], 0
    for axis, size in enumerate(spacing):
        along = shown.sum([other for other in range(3) if other != axis])
        below = (along.cumsum(0).double() / count).cpu().numpy()
        lengths.append((np.searchsorted(below, 0.99) - np.searchsorted(below, 0.01) + 1) * size)
        border += int(along[0] + along[-1])
    volume = count * float(np.prod(spacing))
    return np.array([np.log(volume / 1000), *np.log(lengths), volume / np.prod(lengths), border / count ** (2 / 3)])


def distance(vector: np.ndarray, usual: Mapping[str, list]) -> float:
    """Return how far a vector lies from the usual ones: the logarithm of its deviations' root mean square, the outermost twice.

    Args:
        vector: numbers.
        usual: their ``mean`` and ``deviation`` over people in training.
    """
    steps = np.abs(vector - np.array(usual["mean"])) / np.array(usual["deviation"])
    return float(np.log1p(np.sqrt(np.mean(np.append(steps, steps.max()) ** 2))))
