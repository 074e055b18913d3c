"""Read PNG and JPG files as pictures, gray or in colour."""

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

COLOURS = 3  # channels: red, green, blue
GRAYSCALE_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")
GRAY_TOLERANCE = 8  # of 255, by which the colours of a gray picture may differ after JPEG compression
PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])  # columns run to the patient's left, rows down, a pixel is a unit
EXIF_ORIENTATION, UPRIGHT = 0x0112, 1
TURNS = {  # EXIF orientation: directions, shown, of the stored columns and rows, as (right, down)
    2: ((-1, 0), (0, 1)), 3: ((-1, 0), (0, -1)), 4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)), 6: ((0, 1), (-1, 0)), 7: ((0, -1), (-1, 0)), 8: ((0, -1), (1, 0)),
}  # fmt: skip


class PictureReader(ImageReader):
    """Read a PNG or JPG file as ``(columns, rows)``, with all its bits, or its colours as ``(columns, rows, 3)``.

    Gray pictures saved in colour are taken as gray, transparency is dropped. Pictures have no spacing: the affine counts pixels
    and the meta data's ``spatial_unit`` is ``"pixel"``. Pixels stay as they are stored; a picture that its EXIF orientation turns
    has the turn in its affine, and its number as ``exif_orientation``.

    Args:
        channels: 1 for gray pictures alone; 3 for red, green and blue of any picture, three times the same of a gray one; None for
            what each picture has.

    Raises:
        UserError: for a picture in real colour where one channel is asked for, with several frames, or larger than is read.
    """

    def __init__(self, channels: int | None = 1) -> None:
        self.channels = channels

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
        pixels = np.swapaxes(self._pixels(img), 0, 1)
        meta = meta_data(_affine(img, orientation), pixels.shape[:2], spatial_unit="pixel", exif_orientation=orientation)
        return pixels, meta | ({"original_channel_dim": -1} if pixels.ndim == 3 else {})

    def _pixels(self, picture: Image.Image) -> np.ndarray:
        """Return ``(rows, columns)`` or ``(rows, columns, 3)`` in float32."""
        coloured = self.channels != 1 and is_coloured(picture)
        if self.channels == 1 or not (coloured or self.channels):
            return _gray(picture)
        return _colours(picture) if coloured else np.repeat(_gray(picture)[..., None], COLOURS, axis=-1)


def is_coloured(picture: Image.Image) -> bool:
    """Tell whether a picture has real colours: such that differ by more than a gray one's after JPEG compression."""
    return picture.mode not in GRAYSCALE_MODES and float(np.ptp(_colours(picture), axis=-1).max()) > GRAY_TOLERANCE


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
    if is_coloured(picture):
        raise UserError(f"{picture.filename}: a colour picture.", "Give a grayscale picture, without coloured marks.")
    return _colours(picture).mean(-1)


def _colours(picture: Image.Image) -> np.ndarray:
    """Return ``(rows, columns, 3)`` in float32."""
    return np.asarray(picture.convert("RGB"), dtype=np.float32)
