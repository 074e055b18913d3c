"""Packed NIfTI: what others read, and the same bytes each time."""

import gzip

import nibabel
import numpy as np
import pytest

from custom_networks.errors import UserError
from custom_networks.results.write_nifti import as_stored, write_nifti


def labels(shape=(7, 5, 4)) -> np.ndarray:
    array = np.zeros(shape, np.uint8)
    array[2:5, 1:3] = 3
    array[-1, -1] = 200
    return array


@pytest.mark.parametrize("array", [labels(), labels((7, 5)), labels().astype(np.int32), labels() * 0, np.float32(labels()) / 7])
def test_voxels_come_back(tmp_path, array):
    stored = as_stored(array)
    assert stored.dtype == array.dtype and np.array_equal(stored, array) and stored.flags.f_contiguous
    affine = np.diag([2.0, 3, 4, 1])
    for kept in (array, stored):
        write_nifti(tmp_path / "a" / "a_seg.nii.gz", nibabel.Nifti1Image(kept, affine))
        found = nibabel.load(tmp_path / "a" / "a_seg.nii.gz")
        assert np.array_equal(found.dataobj, array) and found.get_data_dtype() == array.dtype
        assert np.array_equal(found.affine, affine)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["a_seg.nii.gz"]


def test_bytes_know_neither_name_nor_time(tmp_path):
    image = nibabel.Nifti1Image(labels(), np.eye(4))
    for name in ("a", "b"):
        write_nifti(tmp_path / f"{name}.nii.gz", image)
    packed = (tmp_path / "a.nii.gz").read_bytes()
    assert packed == (tmp_path / "b.nii.gz").read_bytes()
    assert packed[3] == 0 and packed[4:8] == bytes(4)  # no name, no time
    assert gzip.decompress(packed) == image.to_bytes()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_nifti(tmp_path / "file" / "a.nii.gz", nibabel.Nifti1Image(labels(), np.eye(4)))
