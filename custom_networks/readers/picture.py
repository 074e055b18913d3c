"""Read PNG and JPG files as grayscale pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple
from PIL import Image

from ..errors import UserError

GRAYSCALE_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")
GRAY_TOLERANCE = 8  # of 255, by which the colours of a gray picture may differ after JPEG compression
PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])  # columns run to the patient's left, rows down, a pixel is a unit


class PictureReader(ImageReader):
    """Read a PNG or JPG file as ``(columns, rows)``, with all its bits.

    Gray pictures saved in colour are taken as gray, transparency is dropped. Pictures have no spacing: the affine counts pixels
    and the meta data's ``spatial_unit`` is ``"pixel"``.

    Raises:
        UserError: for a picture in real colour, or with several frames.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> Image.Image:
        path = Path(ensure_tuple(data)[0])
        picture = Image.open(path)
        if getattr(picture, "n_frames", 1) > 1:
            raise UserError(f"{path}: a picture of {picture.n_frames} frames.", "Give one picture a file.")
        picture.load()
        return picture

    def get_data(self, img: Image.Image) -> tuple[np.ndarray, dict]:
        pixels = _gray(img).T
        meta = {
            "affine": PICTURE_AFFINE.copy(),
            "original_affine": PICTURE_AFFINE.copy(),
            "spatial_shape": np.asarray(pixels.shape),
            "original_channel_dim": "no_channel",
            "space": "RAS",
            "spatial_unit": "pixel",
        }
        return pixels, meta


def _gray(picture: Image.Image) -> np.ndarray:
    """Return ``(rows, columns)`` in float32."""
    if picture.mode in GRAYSCALE_MODES:
        return np.asarray(picture, dtype=np.float32)
    colours = np.asarray(picture.convert("RGB"), dtype=np.float32)
    if np.ptp(colours, axis=-1).max() > GRAY_TOLERANCE:
        raise UserError(f"{picture.filename}: a colour picture.", "Give a grayscale picture, without coloured marks.")
    return colours.mean(-1)
