"""Take away the bias field of a receiving coil."""

import numpy as np
from scipy import ndimage

from .itk_images import to_itk

COARSE = 6.0  # mm, about, of the grid on which the field is found
ITERATIONS = (40, 40, 30)
LEAST = 1e-3  # of the field


def correct_bias(array: np.ndarray, affine: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Divide an image by its bias field as N4 finds it within a mask, on a coarse grid.

    Args:
        array: ``(X, Y, Z)``, values above 0 in the mask.
        affine: from voxels to mm, axes at right angles.
        mask: boolean, where the field is found.

    Returns:
        the corrected image, float32; its mean in the mask stays.

    Reference:
        Tustison et al.: N4ITK: improved N3 bias correction. IEEE TMI 29:1310-1320, 2010.
    """
    import itk

    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    steps = np.maximum(1, np.round(COARSE / spacing)).astype(int)
    coarse = tuple(slice(step // 2, None, step) for step in steps)
    small, where = ndimage.uniform_filter(array.astype(np.float32), steps)[coarse], mask[coarse]
    grid = affine.copy()
    grid[:3, :3] = affine[:3, :3] * steps
    kind = itk.Image[itk.F, 3]
    n4 = itk.N4BiasFieldCorrectionImageFilter[kind, itk.Image[itk.UC, 3], kind].New()
    n4.SetInput(to_itk(np.maximum(small, LEAST), grid))
    n4.SetMaskImage(to_itk(where, grid, unsigned=True))
    n4.SetNumberOfFittingLevels([len(ITERATIONS)] * 3)
    n4.SetMaximumNumberOfIterations(list(ITERATIONS))
    n4.Update()
    corrected = itk.array_from_image(n4.GetOutput()).T
    field = np.maximum(small, LEAST) / np.maximum(corrected, LEAST)
    places = [(np.arange(n) - step // 2) / step for n, step in zip(array.shape, steps, strict=True)]
    places = [np.clip(place, 0, n - 1) for place, n in zip(places, small.shape, strict=True)]
    whole = ndimage.map_coordinates(field, np.stack(np.meshgrid(*places, indexing="ij")), order=1, mode="nearest")
    result = array / np.maximum(whole, LEAST)
    return (result * (array[mask].mean() / result[mask].mean())).astype(np.float32)
