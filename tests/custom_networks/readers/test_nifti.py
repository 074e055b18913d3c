"""Voxels of NIfTI files, of any shape and type, as nibabel has them."""

import nibabel
import numpy as np
import pytest

from custom_networks import LoadVolumed

SHAPES = [(2, 3), (130, 70), (70, 131, 1), (3, 4, 5), (33, 2, 130), (5, 6, 7, 2), (2, 67, 1, 2)]
TYPES = ["u1", "<i2", ">i2", "<f4", ">f8", "<u4"]


@pytest.mark.parametrize("scaling", [None, (0.5, -1024.25), (-3, 1e-3)], ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_voxels_are_those_of_nibabel(tmp_path, dtype, scaling):
    for number, shape in enumerate(SHAPES):
        array = np.random.default_rng(number).integers(0, 250, shape).astype(dtype)
        image = nibabel.Nifti1Image(array, np.diag([1.0, 2, 3, 1]))
        image.set_data_dtype(array.dtype)
        if scaling:
            image.header.set_slope_inter(*scaling)
        path = tmp_path / f"{number}.nii{'.gz' if number % 2 else ''}"
        nibabel.save(image, path)
        expected = nibabel.load(path).get_fdata().astype(np.float32)
        found = LoadVolumed("image")({"image": str(path)})["image"].numpy()
        assert np.array_equal(found, expected.reshape(found.shape)) and found.flags.c_contiguous
        assert found.shape == shape or (shape[-1] == 1 and found.shape == shape[:-1]), shape
