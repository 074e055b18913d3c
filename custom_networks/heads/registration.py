"""Lay one sequence of a person over another."""

import numpy as np
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from .itk_images import LPS, to_itk

SETTINGS = {
    "AutomaticTransformInitialization": ["false"],  # the scanner's positions are nearly right; the head may have moved
    "MaximumNumberOfIterations": ["250"],
    "NumberOfSpatialSamples": ["3000"],
}
RESOLUTIONS = 3


def register_rigid(fixed: np.ndarray, fixed_affine: np.ndarray, moving: np.ndarray, moving_affine: np.ndarray) -> np.ndarray:
    """Find the rigid motion between two images of one head, of any contrast, by mutual information (elastix).

    Args:
        fixed: ``(X, Y, Z)``.
        fixed_affine: from its voxels to mm, axes of NIfTI, at right angles.
        moving: ``(U, V, W)``.
        moving_affine: the same of the other one.

    Returns:
        matrix ``(4, 4)`` from mm of the fixed image to mm of the moving one.

    Raises:
        ImportError: without itk-elastix.

    Reference:
        Klein et al.: elastix: a toolbox for intensity-based medical image registration. IEEE TMI 29:196-205, 2010.
    """
    import itk

    if not hasattr(itk, "ParameterObject"):
        raise ImportError("itk-elastix is not installed")
    parameters = itk.ParameterObject.New()
    rigid = parameters.GetDefaultParameterMap("rigid", RESOLUTIONS)
    for name, value in SETTINGS.items():
        rigid[name] = value
    parameters.AddParameterMap(rigid)
    _, result = itk.elastix_registration_method(
        to_itk(fixed, fixed_affine), to_itk(moving, moving_affine), parameter_object=parameters, log_to_console=False
    )
    found = result.GetParameterMap(0)
    x, y, z, *shift = (float(value) for value in found["TransformParameters"])
    centre = np.array([float(value) for value in found["CenterOfRotationPoint"]])
    turn = Rotation.from_euler("ZXY", [z, x, y]).as_matrix()
    return LPS @ from_matvec(turn, centre + shift - turn @ centre) @ LPS
