import numpy as np
import pytest
from PIL import Image

from custom_networks import PictureReader, UserError

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20  # 3 rows, 4 columns


def read(path):
    reader = PictureReader()
    return reader.get_data(reader.read(path))


def test_columns_come_first_and_all_bits_stay(tmp_path):
    wide = PIXELS.astype(np.uint16) * 300
    Image.fromarray(wide).save(tmp_path / "wide.png")
    pixels, meta = read(tmp_path / "wide.png")
    np.testing.assert_array_equal(pixels, wide.T)
    assert tuple(meta["spatial_shape"]) == (4, 3)
    assert meta["spatial_unit"] == "pixel"


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_gray_in_every_dress(tmp_path, mode):
    Image.fromarray(PIXELS).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png")[0], PIXELS.T)


def test_palette_of_grays_is_looked_up(tmp_path):
    picture = Image.fromarray(PIXELS, mode="P")
    picture.putpalette([255 - i // 3 for i in range(768)])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png")[0], 255 - PIXELS.T)


def test_colour_is_refused(tmp_path):
    Image.new("RGB", (4, 4), (200, 10, 10)).save(tmp_path / "red.png")
    with pytest.raises(UserError, match="a colour picture"):
        read(tmp_path / "red.png")
