"""Read PNG and JPG files as grayscale pictures."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple
from PIL import Image

from ..errors import UserError
from .bounded import check_size
from .meta_data import Meta, meta_data

GRAYSCALE_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")
GRAY_TOLERANCE = 8  # of 255, by which the colours of a gray picture may differ after JPEG compression
PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])  # columns run to the patient's left, rows down, a pixel is a unit
EXIF_ORIENTATION, UPRIGHT = 0x0112, 1
TURNS = {  # EXIF orientation: directions, shown, of the stored columns and rows, as (right, down)
    2: ((-1, 0), (0, 1)), 3: ((-1, 0), (0, -1)), 4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)), 6: ((0, 1), (-1, 0)), 7: ((0, -1), (-1, 0)), 8: ((0, -1), (1, 0)),
}  # fmt: skip


class PictureReader(ImageReader):
    """Read a PNG or JPG file as ``(columns, rows)``, with all its bits.

    Gray pictures saved in colour are taken as gray, transparency is dropped. Pictures have no spacing: the affine counts pixels
    and the meta data's ``spatial_unit`` is ``"pixel"``. Pixels stay as they are stored; a picture that its EXIF orientation turns
    has the turn in its affine, and its number as ``exif_orientation``.

    Raises:
        UserError: for a picture in real colour, with several frames, or larger than is read.
    """

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        return isinstance(filename, (str, Path))

    def read(self, data: Sequence[str] | str, **kwargs) -> Image.Image:
        path = Path(ensure_tuple(data)[0])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `check_size` says how much is too much
                picture = Image.open(path)
        except Image.DecompressionBombError as error:
            raise UserError(f"{path}: more than {2 * Image.MAX_IMAGE_PIXELS} pixels.", "Give a smaller picture.") from error
        if getattr(picture, "n_frames", 1) > 1:
            raise UserError(f"{path}: a picture of {picture.n_frames} frames.", "Give one picture a file.")
        check_size(path, picture.width * picture.height * 4)
        picture.load()
        return picture

    def get_data(self, img: Image.Image) -> tuple[np.ndarray, Meta]:
        orientation = img.getexif().get(EXIF_ORIENTATION)
        orientation = orientation if orientation in TURNS else UPRIGHT
        pixels = _gray(img).T
        affine = _affine(img, orientation)
        return pixels, meta_data(affine, pixels.shape, spatial_unit="pixel", exif_orientation=orientation)


def _affine(picture: Image.Image, orientation: int) -> np.ndarray:
    turn = TURNS.get(orientation)
    if turn is None:
        return PICTURE_AFFINE.copy()
    shown = np.eye(4)  # stored column and row to those that are shown
    shown[:2, :2] = np.transpose(turn)
    ends = shown[:2, :2] @ (picture.width - 1, picture.height - 1)
    shown[:2, 3] = np.maximum(-ends, 0)
    return PICTURE_AFFINE @ shown


def _gray(picture: Image.Image) -> np.ndarray:
    """Return ``(rows, columns)`` in float32."""
    if picture.mode in GRAYSCALE_MODES:
        return np.asarray(picture, dtype=np.float32)
    colours = np.asarray(picture.convert("RGB"), dtype=np.float32)
    if np.ptp(colours, axis=-1).max() > GRAY_TOLERANCE:
        raise UserError(f"{picture.filename}: a colour picture.", "Give a grayscale picture, without coloured marks.")
    return colours.mean(-1)
