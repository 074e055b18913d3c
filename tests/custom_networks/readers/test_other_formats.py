"""NRRD and MetaImage lie where ITK lays them."""

import itk
import numpy as np
import pytest
from monai.data import ITKReader
from scipy.spatial.transform import Rotation

from custom_networks import LoadVolumed


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nhdr", ".nii.gz"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
def test_oblique_volumes(tmp_path, suffix, kind, packed):
    array = np.random.default_rng(0).integers(0, 200, (4, 5, 6)).astype(kind)
    image = itk.image_from_array(array)
    image.SetSpacing([0.5, 0.8, 3.0])
    image.SetOrigin([10.0, -20.0, 30.0])
    image.SetDirection(Rotation.from_euler("xyz", [0.3, -0.7, 1.1]).as_matrix())
    path = tmp_path / f"a{suffix}"
    itk.imwrite(image, str(path), compression=packed)
    loaded = LoadVolumed("image")({"image": str(path)})["image"]
    reader = ITKReader()
    values, meta = reader.get_data(reader.read(str(path)))
    np.testing.assert_array_equal(loaded.numpy(), values)
    np.testing.assert_array_equal(loaded.numpy(), array.T)
    np.testing.assert_allclose(loaded.affine, meta["affine"], atol=1e-5)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_slices_of_two_axes(tmp_path, suffix):
    array = np.arange(20, dtype=np.int16).reshape(4, 5)
    image = itk.image_from_array(array)
    image.SetSpacing([0.5, 0.8])
    itk.imwrite(image, str(tmp_path / f"a{suffix}"))
    loaded = LoadVolumed("image")({"image": str(tmp_path / f"a{suffix}")})["image"]
    np.testing.assert_array_equal(loaded.numpy(), array.T)
    np.testing.assert_allclose(loaded.affine, np.diag([-0.5, -0.8, 1, 1]))
