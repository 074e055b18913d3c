"""Outline masks by polygons, as radiotherapy wants them."""

import numpy as np
from scipy.spatial import cKDTree
from skimage.measure import find_contours, points_in_poly


def outline(mask: np.ndarray) -> list[np.ndarray]:
    """Return the polygons ``(points, 2)`` around the pieces of a mask ``(X, Y)``, in its indices, not closed by a repeated point.

    Polygons run half-way between voxels inside and outside, so that they hold the mask's area but for its corners. A hole is part
    of the polygon around it, joined by a channel without width, there and back: DICOM's keyhole technique (PS3.3 C.8.8.6.3).
    Pieces that touch at a corner alone are apart.
    """
    if not mask.any():
        return []
    lows = [int(np.flatnonzero(mask.any(axis=1 - axis))[0]) for axis in (0, 1)]
    box = np.pad(mask[lows[0] :, lows[1] :], 1).astype(float)
    curves = [curve[:-1] + lows - 1 for curve in find_contours(box, 0.5)]
    signed = [_area(curve) for curve in curves]
    outside = np.sign(max(signed, key=abs))  # the largest curve is no hole
    outer = [curve for curve, area in zip(curves, signed, strict=True) if np.sign(area) == outside]
    holes = [curve for curve, area in zip(curves, signed, strict=True) if np.sign(area) != outside]
    inside: list[list[np.ndarray]] = [[] for _ in outer]
    for hole in holes:
        around = [index for index, curve in enumerate(outer) if points_in_poly(hole[:1], curve)[0]]
        inside[min(around, key=lambda index: abs(_area(outer[index])))].append(hole)
    return [_joined(curve, holes) for curve, holes in zip(outer, inside, strict=True)]


def _area(curve: np.ndarray) -> float:
    """Return the signed area of a closed curve (Gauss's formula)."""
    x, y = curve.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _joined(curve: np.ndarray, holes: list[np.ndarray]) -> np.ndarray:
    """Return a curve with its holes, the nearest one first, so that no channel crosses another hole."""
    waiting = list(holes)
    while waiting:
        tree = cKDTree(curve)
        distances, places = zip(*(tree.query(hole) for hole in waiting), strict=True)
        nearest = int(np.argmin([found.min() for found in distances]))
        hole, start = waiting.pop(nearest), int(distances[nearest].argmin())
        place = int(places[nearest][start])
        around = np.roll(hole, -start, axis=0)
        curve = np.concatenate([curve[: place + 1], around, around[:1], curve[place:]])
    return curve
