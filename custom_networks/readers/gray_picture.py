"""Show a picture of any mode as one of 8 bits gray."""

import numpy as np
from PIL import Image, ImageOps

WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L")  # of more than 8 bits, which Pillow clips at 255
BRIGHT = 127.5


def gray_picture(picture: Image.Image) -> Image.Image:
    """Return a picture in 8 bits gray (mode ``"L"``), upright, as a person sees it; a ``converter`` of MONAI's ``PILReader``.

    Colours become their luminance. Transparent parts take the ground that what is drawn stands out from: white behind dark
    strokes, black behind bright ones. Pictures of more than 8 bits are scaled from their smallest to their largest value. A turn
    that a camera noted (EXIF) is done.

    Example:
        >>> wide = Image.fromarray(np.array([[0, 65535], [32768, 0]], np.uint16))
        >>> np.asarray(gray_picture(wide)).tolist()
        [[0, 255], [128, 0]]
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in WIDE_MODES:
        return _scaled(np.asarray(picture, dtype=np.float64))
    if picture.has_transparency_data:
        return _on_a_ground(picture.convert("RGBA"))
    return picture.convert("L")


def _scaled(pixels: np.ndarray) -> Image.Image:
    low, high = float(pixels.min()), float(pixels.max())
    return Image.fromarray(np.round((pixels - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8))


def _on_a_ground(picture: Image.Image) -> Image.Image:
    opacity, drawn = np.asarray(picture.getchannel("A")), np.asarray(picture.convert("RGB").convert("L"))
    bright = opacity.any() and np.average(drawn, weights=opacity) > BRIGHT
    ground = Image.new("RGBA", picture.size, "black" if bright else "white")
    return Image.alpha_composite(ground, picture).convert("L")
