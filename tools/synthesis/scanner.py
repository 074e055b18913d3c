"""What a scanner does to an image: blur, thick slices, noise, streaks."""

import numpy as np
from scipy.ndimage import find_objects, gaussian_filter, uniform_filter1d, zoom

from custom_networks.geometry.regions import largest_piece

QUIET_STEP = 16.0  # HU; files of scans without noise are a fifth as large


def average_pool(array: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of blocks of ``factor`` voxels a side; the sides must be multiples of it."""
    x, y, z = (n // factor for n in array.shape)
    return array.reshape(x, factor, y, factor, z, factor).mean(axis=(1, 3, 5))


def pool_instances(labels: np.ndarray, factor: int, codes: tuple[int, ...]) -> np.ndarray:
    """Return for every block the instance that fills it where instances fill at least half of it, else 0.

    Where two instances meet in a block, the one of the upper quartile of its sorted codes stands for it. Pieces that lost their
    connection on the coarser grid are dropped, so every instance is one piece.
    """
    x, y, z = (n // factor for n in labels.shape)
    inside = np.where(np.isin(labels, codes), labels, 0).astype(np.uint8)
    blocks = inside.reshape(x, factor, y, factor, z, factor).transpose(0, 2, 4, 1, 3, 5).reshape(x, y, z, factor**3)
    blocks = np.sort(blocks, axis=-1)
    half = np.count_nonzero(blocks, axis=-1) * 2 >= factor**3
    pooled = np.where(half, blocks[..., (3 * factor**3) // 4], 0).astype(np.uint8)
    for code, box in enumerate(find_objects(pooled), start=1):
        if box is None:
            continue
        instance = pooled[box] == code
        pooled[box][instance & ~largest_piece(instance)[0]] = 0
    return pooled


def scan(
    ct: np.ndarray, random: np.random.Generator, spacing: float, metal: np.ndarray | None = None, quiet: bool = False
) -> np.ndarray:
    """Return an image as a scanner would give it, in HU.

    Args:
        ct: HU, ``(X, Y, Z)``, z along the body.
        random: source of kernel, slice thickness, noise and calibration.
        spacing: of the isotropic grid in mm.
        metal: where metal is; streaks start there.
        quiet: leaves kernel, noise, calibration and thick slices to the augmentation of training, and rounds to `QUIET_STEP`.
    """
    if not quiet:
        ct = gaussian_filter(ct, random.uniform(0.1, 0.9) / spacing)
    if metal is not None and metal.any():
        ct = ct + _streaks(metal, random)
    if quiet:
        return np.clip(np.round(ct / QUIET_STEP) * QUIET_STEP, -1024, 3071).astype(np.float32)
    ct = ct * random.uniform(0.95, 1.05) + random.uniform(-15, 15)
    noise = random.normal(0, 1, ct.shape).astype(np.float32)
    noise = gaussian_filter(noise, random.uniform(0.0, 0.7))
    ct = ct + noise * random.uniform(3, 45) / float(noise.std())
    if random.random() < 0.6:
        ct = _thick_slices(ct, random.uniform(2.5, 6.0) / spacing)
    return np.clip(ct, -1024, 3071).astype(np.float32)


def _thick_slices(ct: np.ndarray, thickness: float) -> np.ndarray:
    """Average over ``thickness`` slices, keep as many as that leaves, interpolate back."""
    if thickness <= 1:
        return ct
    count = ct.shape[2]
    averaged = uniform_filter1d(ct, max(1, round(thickness)), axis=2)
    kept = max(2, round(count / thickness))
    few = zoom(averaged, (1, 1, kept / count), order=1)
    return zoom(few, (1, 1, count / few.shape[2]), order=1)


def _streaks(metal: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return bright and dark rays around the metal of every slice."""
    result = np.zeros(metal.shape, np.float32)
    x, y = np.meshgrid(*[np.arange(n) for n in metal.shape[:2]], indexing="ij")
    for z in np.flatnonzero(metal.any(axis=(0, 1))):
        cx, cy = (points.mean() for points in np.nonzero(metal[..., z]))
        angle = np.arctan2(y - cy, x - cx)
        rays = random.normal(0, 1, 360)
        pattern = rays[((np.rad2deg(angle) + 180) % 360).astype(int)]
        result[..., z] = pattern * random.uniform(60, 250) * np.exp(-np.hypot(x - cx, y - cy) / 40)
    return result
