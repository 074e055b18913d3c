"""Slices of a scan as small pictures, without and with its mask, for a page that scrolls through them."""

import base64
import io

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from custom_networks.results.palette import COLOURS as PALETTE
from custom_networks.results.palette import label_colour

MOST_SLICES = 32
SIDE = 384  # pixels of the longer side
COLOURS = np.array([label_colour(value) for value in range(1, len(PALETTE) + 1)]) * 255


def slice_pictures(image: np.ndarray, mask: np.ndarray, spacing: np.ndarray) -> list[dict[str, object]]:
    """Return up to `MOST_SLICES` axial slices, spread over those with a mask and some beyond, from the feet upwards.

    Args:
        image: ``(X, Y, Z)`` in RAS.
        mask: label map of the same grid.
        spacing: in mm.

    Returns:
        dicts of ``number``, the slice, and ``plain`` and ``outlined``, JPEG data addresses; patient's right on the left.
    """
    marked = np.flatnonzero(mask.any(axis=(0, 1)))
    depth = image.shape[2]
    first, last = (marked[0], marked[-1]) if len(marked) else (0, depth - 1)
    margin = max(1, (last - first) // 8)
    first, last = max(0, first - margin), min(depth - 1, last + margin)
    chosen = np.unique(np.linspace(first, last, min(MOST_SLICES, last - first + 1)).round().astype(int))
    low, high = np.percentile(image[..., chosen], (1, 99.5))
    scaled = ((image - low) * (255 / max(high - low, 1e-6))).clip(0, 255).astype(np.uint8)
    pictures = []
    for z in chosen.tolist():
        gray = _hang(scaled[..., z])
        labels = _hang(mask[..., z])
        size = _size(gray.shape, spacing)
        plain = Image.fromarray(gray).resize(size, Image.Resampling.BILINEAR).convert("RGB")
        outlined = np.asarray(plain).copy()
        shown = np.asarray(Image.fromarray(labels.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        border = find_boundaries(shown, mode="inner")
        outlined[border] = COLOURS[(shown[border].astype(int) - 1) % len(COLOURS)]
        pictures.append({"number": z, "plain": _jpeg(plain), "outlined": _jpeg(Image.fromarray(outlined))})
    return pictures


def _hang(plane: np.ndarray) -> np.ndarray:
    """Return ``(rows, columns)``: x to the right and y to the front become the patient's right on the left, the front on top."""
    return np.ascontiguousarray(plane[::-1, ::-1].T)


def _size(shape: tuple[int, int], spacing: np.ndarray) -> tuple[int, int]:
    height, width = shape[0] * spacing[1], shape[1] * spacing[0]
    scale = SIDE / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _jpeg(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
