"""Series are written with pydicom, one fault each; regular ones are compared with ITK."""

import numpy as np
import pydicom
import pytest
from dicom_files import write_slice
from monai.transforms import LoadImage

from custom_networks import DicomSeriesReader, LoadVolumed, UserError


def write_series(folder, count: int = 5, changed: int | None = None, step=(0, 0, 4), **tags):
    folder.mkdir(exist_ok=True)
    volume = np.random.default_rng(0).integers(0, 900, (count, 6, 9))
    for index in range(count):
        position = np.array([10.0, -20.0, 30.0]) + index * np.array(step)
        path = folder / f"{(index * 7) % 10}.dcm"
        write_slice(path, position, volume[index], index, **(tags if changed in (None, index) else {}))
    return folder, volume.transpose(2, 1, 0)


def load(path):
    return LoadVolumed("image")({"image": str(path)})["image"]


def test_slices_are_sorted_by_position_and_agree_with_itk(tmp_path):
    folder, volume = write_series(tmp_path / "series")
    image = load(folder)
    assert np.array_equal(image.numpy(), volume)
    itk = LoadImage(image_only=True, reader="ITKReader")(str(folder))
    np.testing.assert_allclose(image.affine, itk.affine, atol=1e-6)
    assert np.array_equal(image.numpy(), itk.numpy())


def test_descending_files_give_the_same_place_in_space(tmp_path):
    up, _ = write_series(tmp_path / "up")
    down, _ = write_series(tmp_path / "down", step=(0, 0, -4))
    assert load(up).affine[2, 2] > 0 and load(down).affine[2, 2] > 0


def test_rescaling_differs_by_slice(tmp_path):
    folder, volume = write_series(tmp_path / "series", changed=2, RescaleSlope=0.5, RescaleIntercept=-10)
    np.testing.assert_allclose(load(folder).numpy()[..., 2], volume[..., 2] * 0.5 - 10)
    assert np.array_equal(load(folder).numpy()[..., 1], volume[..., 1])


def test_monochrome1_is_inverted(tmp_path):
    folder, volume = write_series(tmp_path / "series", count=1, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(load(folder).numpy(), volume.max() + volume.min() - volume)


def test_single_file_takes_its_thickness(tmp_path):
    folder, _ = write_series(tmp_path / "series", count=1)
    image = load(next(folder.iterdir()))
    assert image.shape == (9, 6, 1)
    assert np.linalg.norm(image.affine[:3, 2]) == pytest.approx(4)


def refused(folder, message: str) -> None:
    with pytest.raises(UserError, match=message):
        DicomSeriesReader().read(str(folder))


def test_missing_slice(tmp_path):
    folder, _ = write_series(tmp_path / "series")
    (folder / "4.dcm").unlink()  # index 2
    refused(folder, r"a gap of 8\.00 mm")


def test_doubled_slice(tmp_path):
    folder, _ = write_series(tmp_path / "series")
    (folder / "copy.dcm").write_bytes((folder / "4.dcm").read_bytes())
    refused(folder, "two slices at the same position")


def test_gantry_tilt(tmp_path):
    refused(write_series(tmp_path / "series", step=(0, 1.2, 4))[0], "gantry tilt")


def test_mixed_series(tmp_path):
    refused(write_series(tmp_path / "series", changed=1, SeriesInstanceUID="1.2.3", SeriesNumber=4)[0], r"2 series .*numbers 3, 4")


def test_localizer(tmp_path):
    refused(write_series(tmp_path / "series", changed=1, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])[0], "different orientation")


def test_without_pixel_spacing(tmp_path):
    refused(write_series(tmp_path / "series", PixelSpacing=None)[0], "PixelSpacing is missing")


def test_colour(tmp_path):
    refused(write_series(tmp_path / "series", SamplesPerPixel=3)[0], "a colour image")


def test_other_file_in_the_folder(tmp_path):
    folder, _ = write_series(tmp_path / "series")
    (folder / "readme.txt").write_text("not DICOM")
    refused(folder, r"readme\.txt: not a DICOM file")


def test_pydicoms_own_sample_of_an_mr_slice():
    path = pydicom.data.get_testdata_file("MR_small.dcm")
    dataset = pydicom.dcmread(path)
    image = load(path)
    assert np.array_equal(image.numpy()[..., 0], dataset.pixel_array.T)
