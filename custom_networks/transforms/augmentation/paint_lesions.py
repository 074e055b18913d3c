"""Lesions painted into white matter: where, how bright, with which border."""

import numpy as np
from scipy import ndimage

MATTER = 0.3  # least T1 value of white matter; mean 0 and standard deviation 1 in the brain
CONTRAST = ((0.8, 2.5), (-1.6, -0.4))  # ranges of a lesion's difference to white matter, FLAIR and T1
OWN_VOXELS = 20  # of own lesions from which their contrast is taken
BORDERS = (0.4, 1.0)  # voxels, range of the blur of their borders
SPREAD = (0.5, 1.3)  # range of a lesion's contrast over that


def white_matter(image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return what T1 shows brightest outside lesions, ``(X, Y, Z)``; the image is ``(2, X, Y, Z)``, FLAIR and T1."""
    return (image[1] > MATTER) & (label[0] == 0)


def lesion_contrast(image: np.ndarray, label: np.ndarray, white: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return the difference of lesions to white matter, ``(2,)``: that of an image's own, or a drawn one where it has none."""
    own = label[0] == 1
    if np.count_nonzero(own) >= OWN_VOXELS:
        return image[:, own].mean(1) - image[:, white].mean(1)
    return drawn_contrast(random)


def drawn_contrast(random: np.random.RandomState) -> np.ndarray:
    """Return a difference of lesions to white matter, FLAIR and T1, ``(2,)``."""
    return np.array([random.uniform(*limits) for limits in CONTRAST])


def paint_lesions(image: np.ndarray, label: np.ndarray, mask: np.ndarray, contrast: np.ndarray, width: float) -> None:
    """Paint lesions into an image ``(2, X, Y, Z)`` and its label map ``(1, X, Y, Z)``, in place.

    Borders are soft, and the tissue's texture stays below.

    Args:
        mask: their voxels ``(X, Y, Z)``.
        contrast: what is added to FLAIR and T1, ``(2, 1, 1, 1)`` or a map ``(2, X, Y, Z)``.
        width: standard deviation of the borders' blur in voxels.
    """
    soft = ndimage.gaussian_filter(mask.astype(np.float32), width)
    soft = np.maximum(soft, 0.6 * mask) * (image != 0).any(0)
    image += soft * contrast.astype(np.float32)
    label[0][mask] = 1
