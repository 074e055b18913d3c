import logging

import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import LoadModalitiesd, UserError

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


@pytest.fixture
def flair(tmp_path) -> str:
    return str(save_nifti(tmp_path / "FLAIR.nii.gz", np.random.rand(6, 7, 8).astype(np.float32), AFFINE))


def load(*paths):
    return LoadModalitiesd("image", ["FLAIR", "T1"])({"image": list(paths)})["image"]


def test_two_files_of_one_grid_become_channels(tmp_path, flair):
    array = np.random.rand(6, 7, 8).astype(np.float32)
    image = load(flair, save_nifti(tmp_path / "T1.nii.gz", array, AFFINE))
    assert image.shape == (2, 6, 7, 8) and np.array_equal(image[1].numpy(), array)
    np.testing.assert_allclose(image.affine, AFFINE)
    assert image.meta["filename_or_obj"] == flair and tuple(image.meta["spatial_shape"]) == (6, 7, 8)


def test_t1_of_another_grid_is_resampled_and_said(tmp_path, flair, caplog):
    x = np.arange(13, dtype=np.float32)[:, None, None] * np.ones((13, 14, 24), np.float32)
    t1 = save_nifti(tmp_path / "T1.nii.gz", x, np.diag([1.0, 1.0, 1.0, 1.0]))
    with caplog.at_level(logging.WARNING, logger="axial"):
        image = load(flair, t1)
    np.testing.assert_allclose(image[1, :, 3, 3].numpy(), [0, 2, 4, 6, 8, 10], atol=1e-4)
    assert "resampled" in caplog.text and "T1.nii.gz" in caplog.text


def test_flipped_axes_are_put_right(tmp_path, flair):
    array = np.random.rand(6, 7, 8).astype(np.float32)
    flipped = AFFINE.copy()
    flipped[0, 0], flipped[0, 3] = -2, 10
    image = load(flair, save_nifti(tmp_path / "T1.nii.gz", np.ascontiguousarray(array[::-1]), flipped))
    np.testing.assert_allclose(image[1].numpy(), array, atol=1e-5)


def test_one_file_of_two_channels(tmp_path):
    array = np.random.rand(6, 7, 8, 2).astype(np.float32)
    image = load(save_nifti(tmp_path / "both.nii.gz", array, AFFINE))
    assert image.shape == (2, 6, 7, 8) and np.array_equal(image[1].numpy(), array[..., 1])


@pytest.mark.parametrize("bare", ["FLAIR", "T1"])
def test_an_image_without_orientation_is_laid_over_none_of_another_grid(tmp_path, bare):
    paths = []
    for name, size in (("FLAIR", 6), ("T1", 8)):
        image = nibabel.Nifti1Image(np.random.rand(size, 7, 8).astype(np.float32), AFFINE)
        if name == bare:
            image.set_sform(None, 0)
            image.set_qform(None, 0)
        nibabel.save(image, tmp_path / f"{name}.nii")
        paths.append(str(tmp_path / f"{name}.nii"))
    with pytest.raises(UserError, match=rf"{bare}\.nii: its header has no orientation"):
        load(*paths)


def test_faults_of_the_second_image_are_named(tmp_path, flair):
    far = np.diag([2.0, 2.0, 3.0, 1.0])
    far[:3, 3] = 900
    cases = [
        ((flair, None), "no T1 image beside it"),
        ((flair, flair), "the same image as"),
        ((flair, str(tmp_path / "nowhere.nii.gz")), "no such file"),
        ((flair, save_nifti(tmp_path / "far.nii.gz", np.ones((6, 7, 8), np.float32), far)), "does not overlap"),
        ((flair, save_nifti(tmp_path / "4d.nii.gz", np.ones((6, 7, 8, 3), np.float32))), "an image of 4 axes"),
        ((flair,), "shape 6x7x8"),
    ]
    for paths, message in cases:
        with pytest.raises(UserError, match=message):
            load(*paths)
