"""What the labels of a head of FreeSurfer and SynthSeg mean."""

import numpy as np
from scipy import ndimage

# Labels that look alike on most images.
TISSUES = {
    "white matter": (2, 41, 7, 46, 77, 192, 251, 252, 253, 254, 255),
    "cortex": (3, 42, 8, 47, 17, 53, 18, 54, 136, 137, 163, 164),
    "deep gray matter": (10, 49, 11, 50, 12, 51, 26, 58, 27, 59),
    "pallidum and brain stem": (13, 52, 16, 28, 60),
    "fluid": (4, 5, 14, 15, 24, 43, 44, 72),
    "vessels": (30, 62, 31, 63),
}
VENTRICLES = (4, 5, 14, 15, 43, 44, 72)
# The right one of each pair, by the left one.
PAIRS = {2: 41, 3: 42, 4: 43, 5: 44, 7: 46, 8: 47, 10: 49, 11: 50, 12: 51, 13: 52, 17: 53, 18: 54, 26: 58, 28: 60, 30: 62}
SULCI = 4.0  # mm; fluid between parts of the brain that are nearer than twice this belongs to it


def brain_of(labels: np.ndarray, spacing: float = 1.0) -> np.ndarray:
    """Return the brain of a label map, sulci and ventricles included, as a mask.

    Args:
        labels: ``(X, Y, Z)``.
        spacing: mm, of all axes.
    """
    solid = np.isin(labels, [code for name, codes in TISSUES.items() if name != "fluid" for code in codes])
    steps = max(1, round(SULCI / spacing))
    closed = ndimage.binary_closing(np.pad(solid, steps), ndimage.generate_binary_structure(3, 1), steps)
    return ndimage.binary_fill_holes(closed[(slice(steps, -steps),) * 3] | np.isin(labels, VENTRICLES))
