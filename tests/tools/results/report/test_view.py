"""What is shown of a case: its voxels, coarser where there are too many, with the numbers that the file gives its slices."""

import base64
import gzip
import io
import json

import nibabel
import numpy as np
import pytest
from conftest import FLIPS, ORDERS, reorient
from PIL import Image

from tools.results.report import view as module
from tools.results.report.case_data import as_script, case_data, data_of
from tools.results.report.thumbnail import thumbnail
from tools.results.report.view import View, coarsen, number_slices, view_picture


def image_of(view: View, name: str = "image") -> nibabel.Nifti1Image:
    data = case_data(view, [], {}, False)["view"]
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(data[name])))


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, np.uint8])
def test_whole_numbers_stay_as_they_are(dtype):
    values = np.arange(60).reshape(3, 4, 5).astype(dtype) * 4
    shown = image_of(View(values, None, np.diag([2.0, 3, 4, 1])))
    assert shown.get_data_dtype() == np.int16 and np.array_equal(shown.dataobj, values)
    assert np.allclose(shown.affine, np.diag([2.0, 3, 4, 1]))


@pytest.mark.parametrize(
    "values", [np.linspace(-1.5, 7.25, 60), np.linspace(0, 1e6, 60), np.full(60, 0.3), np.linspace(0, 1e-9, 60)]
)
def test_other_values_are_scaled(values):
    shown = image_of(View(values.reshape(3, 4, 5), None, np.eye(4)))
    assert np.allclose(np.asarray(shown.dataobj).ravel(), values, atol=max(np.ptp(values) / 60000, 1e-12), rtol=1e-6)


def test_a_large_volume_is_coarser_along_its_finest_axes_and_stays_in_place(monkeypatch):
    monkeypatch.setattr(module, "MOST_VOXELS", 2000)
    affine = np.array([[0.5, 0, 0, -7], [0, 0.5, 0, 3], [0, 0, 2.0, 9], [0, 0, 0, 1]])
    image = np.zeros((41, 40, 10), np.int16)
    image[20:24, 8:12] = 100
    mask = (image > 0).astype(np.uint8) * 3
    shown, factors = coarsen(View(image, mask, affine))
    assert factors[2] == 1 and shown.image.size <= 2000 and set(np.unique(shown.mask)) == {0, 3}
    both = ((affine, mask), (shown.affine, shown.mask))
    before, after = (nibabel.affines.apply_affine(space, np.argwhere(array).mean(0)) for space, array in both)
    assert np.abs(before - after).max() < 1
    assert shown.image.shape == tuple(-(-n // f) for n, f in zip(image.shape, factors, strict=True))


def test_coarser_voxels_are_means_of_those_that_are_there(monkeypatch):
    monkeypatch.setattr(module, "MOST_VOXELS", 12)
    image = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3)
    shown, factors = coarsen(View(image, None, np.eye(4)))
    places = [[slice(i, i + f) for i in range(0, n, f)] for n, f in zip(image.shape, factors, strict=True)]
    assert factors == (2, 2, 2)
    assert np.allclose(shown.image, [[[image[x, y, z].mean() for z in places[2]] for y in places[1]] for x in places[0]])


def test_a_picture_is_no_larger_than_a_graphics_card_takes():
    shown, factors = coarsen(view_picture(np.zeros((50, 4100), np.uint8), None))
    assert shown.image.shape == (1367, 1, 50) and factors == (3, 1, 1)


def test_slices_are_numbered_as_the_file_counts_them():
    affine = np.array([[1.0, 0.1, 0, 0], [-0.1, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
    volume = np.zeros((4, 5, 6), np.uint8)
    volume[..., 4] = 1
    for order in ORDERS:
        for flips in FLIPS:
            stored, space = reorient(volume, affine, order, flips)
            axis, first, step = number_slices(space, stored.shape)
            file_axis = int(np.abs(space[2, :3]).argmax())
            assert (axis, np.take(stored, first + step * 4, file_axis).all()) == (2, True)


def test_thumbnails_hang_as_readers_hang_them():
    image = np.zeros((20, 10, 3), np.float32)
    image[15:, 8:, 1] = 1  # the patient's right, in front
    mask = (image > 0).astype(np.uint8)
    address = thumbnail(View(image, mask, np.diag([1.0, 1, 5, 1]), window=(0, 2)))
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")).astype(int)
    assert picture.shape == (56, 112, 3)
    yellow = (picture[..., 0] - picture[..., 2]) > 80
    assert yellow[:12, :29].sum() > 20 and not yellow[:, 40:].any() and not yellow[20:].any()


def test_a_picture_stays_as_readers_hang_it():
    picture = np.zeros((6, 8), np.uint8)
    picture[0, 0] = 9  # above, at the patient's right
    view = view_picture(picture, None, (2.0, 3.0))
    assert view.flat and view.image[7, 0, 5] == 9 and view.spacing.tolist() == [3, 1, 2]


@pytest.mark.parametrize("name", ["a", "</script>", "-->", '");alert(1);("', "\u2028", "é"])
def test_a_script_gives_back_its_data(name):
    data = {"rows": [[name, "--", "<!--", ");\n", 1]]}
    script = as_script(name, data)
    assert script.isascii() and script.count(b"<") == 0 and script.count(b"\n") == 1
    assert json.loads(data_of(script, name)) == data
