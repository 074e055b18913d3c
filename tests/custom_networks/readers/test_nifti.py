"""Voxels of NIfTI files, of any shape and type, as nibabel has them."""

import gzip

import nibabel
import numpy as np
import pytest

from custom_networks import LoadVolumed, UserError

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


PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
RAW = nibabel.Nifti1Image(PIXELS, np.eye(4)).to_bytes()  # smaller than any buffer
PACKED = gzip.compress(RAW)


@pytest.mark.parametrize(
    "content",
    [PACKED, PACKED + bytes(100), gzip.compress(RAW[:200]) + bytes(3) + gzip.compress(RAW[200:]), gzip.compress(b"") + PACKED],
    ids=["one member", "padded", "two members", "empty member"],
)
def test_gzip_files_of_every_make(tmp_path, content, caplog):
    (tmp_path / "a.nii.gz").write_bytes(content)
    assert np.array_equal(LoadVolumed("image")({"image": str(tmp_path / "a.nii.gz")})["image"].numpy(), PIXELS)
    assert "follow" not in caplog.text


@pytest.mark.parametrize(
    "rest", [b"x", b"garbage", b"\x1f", bytes(40) + b"x"], ids=["a byte", "text", "half a mark", "after zeros"]
)
def test_what_follows_a_packed_image_is_passed_over_and_told(tmp_path, rest, caplog):
    (tmp_path / "a.nii.gz").write_bytes(PACKED + rest)
    assert np.array_equal(LoadVolumed("image")({"image": str(tmp_path / "a.nii.gz")})["image"].numpy(), PIXELS)
    assert "bytes follow the packed image" in caplog.text


@pytest.mark.parametrize(
    "content", [PACKED[:-3], PACKED[:60], PACKED[:-6] + b"x" + PACKED[-5:]], ids=["no length", "cut", "checksum"]
)
def test_damaged_gzip_files_are_refused(tmp_path, content):
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as an image, it"):
        LoadVolumed("image")({"image": str(tmp_path / "a.nii.gz")})
