"""Label pictures whose colours stand for classes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from custom_networks.errors import UserError
from custom_networks.readers.picture import is_coloured

MOST_COLOURS = 30  # beyond which a picture is a photograph, or JPG has changed it


def find_colours(paths: Iterable[Path]) -> dict[str, int]:
    """Return the colours of label pictures, six hexadecimal digits each, with the label that each becomes; black is background.

    Nothing is returned where no picture has colours, so that values are labels; the numbers of a palette are values.

    Raises:
        UserError: for too many colours to be classes.
    """
    coloured, found = False, set()
    for path in paths:
        try:
            with Image.open(path) as picture:
                if picture.mode == "P":
                    return {}
                coloured = coloured or is_coloured(picture)
                codes = _codes(picture)
        except OSError:  # said where the label is read
            continue
        found |= set(np.unique(codes).tolist())
        if coloured and len(found - {0}) > MOST_COLOURS:
            remedy = "JPG changes colours; export labels as PNG, a colour a class."
            raise UserError(f"{path}: {len(found)} colours, more than classes have.", remedy)
    return {f"{code:06x}": label for label, code in enumerate(sorted(found - {0}), 1)} if coloured else {}


def read_colours(path: Path, colours: Mapping[str, int]) -> np.ndarray:
    """Return the labels ``(columns, rows)`` of a picture whose colours are known."""
    with Image.open(path) as picture:
        codes = _codes(picture)
    labels = np.zeros(codes.shape, np.uint8)
    for colour, label in colours.items():
        labels[codes == int(colour, 16)] = label
    return labels.T


def _codes(picture: Image.Image) -> np.ndarray:
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), dtype=np.int32), -1, 0)
    return red << 16 | green << 8 | blue
