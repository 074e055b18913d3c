"""Arrays with affines as images of ITK."""

import numpy as np

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from the axes of NIfTI to those of ITK, and back
SKEW = 1e-3  # of axes that are not at right angles, which ITK images cannot be


def is_rectangular(affine: np.ndarray) -> bool:
    """Tell whether the axes of an affine are at right angles."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < SKEW)


def to_itk(array: np.ndarray, affine: np.ndarray, unsigned: bool = False):
    """Return ``(X, Y, Z)`` as an ITK image of floats, or of bytes for a mask.

    Args:
        array: values.
        affine: from voxels to mm in the axes of NIfTI; its axes must be at right angles.
        unsigned: whether the pixels are bytes.
    """
    import itk  # not where nothing is registered: it takes seconds

    image = itk.image_from_array(np.ascontiguousarray(array.T.astype(np.uint8 if unsigned else np.float32)))
    turned = LPS @ affine
    spacing = np.linalg.norm(turned[:3, :3], axis=0)
    u, _, v = np.linalg.svd(turned[:3, :3] / spacing)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(turned[:3, 3].tolist())
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(u @ v)))
    return image
