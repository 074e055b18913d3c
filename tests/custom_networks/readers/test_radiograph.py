import numpy as np
import pytest
from dicom_files import write_radiograph

from custom_networks import RadiographReader, UserError

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100  # 3 rows, 4 columns


def write(path, pixels=PIXELS, **tags):
    return write_radiograph(path, pixels, **tags)


def read(path):
    reader = RadiographReader()
    return reader.get_data(reader.read(path))


def test_columns_come_first_without_spacing_pixels_are_counted(tmp_path):
    pixels, meta = read(write(tmp_path / "a.dcm"))
    np.testing.assert_array_equal(pixels, PIXELS.T)
    assert meta["spatial_unit"] == "pixel"
    np.testing.assert_array_equal(meta["affine"], np.diag([-1.0, -1.0, 1.0, 1.0]))


def test_monochrome1_is_inverted(tmp_path):
    pixels, _ = read(write(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(pixels, 1100 - PIXELS.T)


def test_first_window_is_applied(tmp_path):
    pixels, _ = read(write(tmp_path / "a.dcm", WindowCenter=[500, 900], WindowWidth=[401, 10]))
    assert pixels[0, 0] == pixels.T.ravel()[2] == pixels.min()  # 0 and 200 lie below the window
    assert pixels.T.ravel()[7] == pixels.max()
    assert pixels.T.ravel()[5] == pytest.approx((pixels.min() + pixels.max()) / 2, rel=0.01)


def test_spacing_of_the_detector_serves(tmp_path):
    _, meta = read(write(tmp_path / "a.dcm", ImagerPixelSpacing=[0.2, 0.1]))  # rows, columns
    assert meta["spatial_unit"] == "mm"
    np.testing.assert_allclose(meta["affine"], np.diag([-0.1, -0.2, 1.0, 1.0]))


def test_a_film_hung_the_other_way_round_says_so_in_its_affine(tmp_path):
    _, meta = read(write(tmp_path / "a.dcm", PatientOrientation=["R", "F"]))
    np.testing.assert_allclose(meta["affine"], np.diag([1.0, -1.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("tags", "reason"),
    [({"NumberOfFrames": 2}, "several frames"), ({"SamplesPerPixel": 3}, "colour")],
)
def test_what_is_no_single_gray_picture_is_refused(tmp_path, tags, reason):
    with pytest.raises(UserError, match=reason):
        read(write(tmp_path / "a.dcm", **tags))
