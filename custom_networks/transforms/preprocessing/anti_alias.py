"""How much an image is blurred before a coarser grid."""

import numpy as np

STRENGTH = 0.35  # sigma in voxels for every voxel that one of the coarser grid spans beyond itself
LEAST = 0.05  # sigma that does anything
REACH = 3.0  # standard deviations


def smoothing(scale: np.ndarray | float) -> np.ndarray:
    """Return the standard deviation in voxels with which noise and thin bone do not alias.

    Args:
        scale: new spacing over the old one; axes that are as coarse or coarser, up to 1, stay as they are.
    """
    sigma = STRENGTH * np.maximum(np.asarray(scale, dtype=float) - 1, 0)
    return np.where(sigma > LEAST, sigma, 0.0)


def gaussian(sigma: float) -> np.ndarray:
    """Return the weights of a Gaussian around its middle, of sum 1; for 0 nothing but the middle."""
    radius = int(REACH * sigma + 0.5)
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (places / sigma) ** 2) if sigma else np.ones(1)
    return weights / weights.sum()
