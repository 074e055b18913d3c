"""How large a voxel is."""

import numpy as np


def voxel_volume(affine: np.ndarray) -> float:
    """Return the volume of a voxel in mm3.

    Args:
        affine: of the image, 4x4, in mm.
    """
    return abs(float(np.linalg.det(np.asarray(affine, dtype=float)[:3, :3])))
