"""A small picture of a case, for the list of all."""

import base64
import io

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from custom_networks.results.palette import COLOURS as PALETTE
from custom_networks.results.palette import label_colour

from .case_data import usual_window
from .view import PLANES, View

WIDTH, HEIGHT = 112, 84  # pixels
COLOURS = np.array([label_colour(value) for value in range(1, len(PALETTE) + 1)]) * 255


def thumbnail(view: View) -> str:
    """Return the slice with most of the mask, with outlines, as the data address of a JPEG; right or front on the left."""
    axis = PLANES.index(view.plane)
    others = tuple(other for other in range(3) if other != axis)
    loads = None if view.mask is None else np.count_nonzero(view.mask, axis=others)
    index = view.image.shape[axis] // 2 if loads is None or not loads.any() else int(loads.argmax())
    gray = np.moveaxis(view.image, axis, 0)[index].astype(np.float32)
    low, high = view.window or usual_window(view)
    scaled = ((gray - low) * (255 / max(high - low, 1e-6))).clip(0, 255).astype(np.uint8)
    size = _size(gray.shape, view.spacing[list(others)])
    picture = np.asarray(Image.fromarray(_hang(scaled)).resize(size, Image.Resampling.BOX).convert("RGB")).copy()
    if view.mask is not None:
        values = _hang(np.moveaxis(view.mask, axis, 0)[index].astype(np.int32))
        labels = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.NEAREST))
        border = find_boundaries(labels, mode="inner")
        picture[border] = COLOURS[(labels[border] - 1) % len(COLOURS)]
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _hang(plane: np.ndarray) -> np.ndarray:
    """Return ``(rows, columns)``: the first axis becomes columns from right or front to left or back, the second rows downwards."""
    return np.ascontiguousarray(plane[::-1, ::-1].T)


def _size(shape: tuple[int, ...], spacing: np.ndarray) -> tuple[int, int]:
    width, height = np.array(shape) * spacing
    scale = min(WIDTH / width, HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
