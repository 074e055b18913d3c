import numpy as np
import pytest
from PIL import Image

from custom_networks import gray_picture

PIXELS = np.array([[0, 60, 120], [180, 240, 255]], np.uint8)
STROKE = np.zeros((9, 9), np.uint8)
STROKE[2:7, 4] = 255


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_opaque_gray_in_every_dress_stays(mode):
    picture = gray_picture(Image.fromarray(PIXELS).convert(mode))
    assert picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture), PIXELS)


@pytest.mark.parametrize("dtype, largest", [(np.uint16, 65535), (np.uint16, 1023), (np.int32, 70000), (np.float32, 1.0)])
def test_more_than_8_bits_are_scaled_and_not_clipped(dtype, largest):
    dark_ink = (largest - STROKE / 255 * largest).astype(dtype)
    np.testing.assert_array_equal(np.asarray(gray_picture(Image.fromarray(dark_ink))), 255 - STROKE)


@pytest.mark.parametrize("ink, seen", [(0, 255 - STROKE), (255, STROKE)], ids=["black on white", "white on black"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_strokes_that_lie_in_transparency_alone_are_seen(ink, seen, mode):
    layers = Image.merge("LA", [Image.new("L", (9, 9), ink), Image.fromarray(STROKE)]).convert(mode)
    np.testing.assert_array_equal(np.asarray(gray_picture(layers)), seen)


def test_a_transparent_colour_of_a_palette_is_no_ink():
    picture = Image.fromarray((STROKE > 0).astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    picture.info["transparency"] = 0
    np.testing.assert_array_equal(np.asarray(gray_picture(picture)), 255 - STROKE)


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    picture = Image.fromarray(PIXELS)
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(gray_picture(Image.open(tmp_path / "photo.png"))), np.rot90(PIXELS, -1))


def test_an_even_picture_stays_even():
    assert not np.asarray(gray_picture(Image.fromarray(np.full((4, 4), 500, np.uint16)))).any()
