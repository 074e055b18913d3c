"""Put a sacrum and a pelvis from surface meshes under the fifth lumbar vertebra of a label map."""

from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes, binary_opening

from custom_networks.errors import UserError
from custom_networks.geometry.regions import box_of, grown

from .codes import BONE, SACRUM, UNKNOWN

PARTS = {"sacrum": SACRUM, "l_pelvis": BONE, "r_pelvis": BONE}
LOWEST_LUMBAR = 24
# MyoTorso's frame: x front, y up, z right, in m; here the fifth lumbar vertebra stands, tilted by 0.3 rad.
SEAT, TILT = np.array([-0.108, 0.061, 0.0]), 0.3


def read_stl(path: Path) -> np.ndarray:
    """Read a binary STL file as triangles ``(N, 3, 3)``.

    Raises:
        UserError: when the file's length does not fit its count of triangles.
    """
    data = path.read_bytes()
    count = int.from_bytes(data[80:84], "little")
    if len(data) < 84 + 50 * count:
        raise UserError(f"{path}: not a binary STL file.", "Give the meshes as MyoTorso's repository has them.")
    record = np.dtype([("normal", "<3f4"), ("corners", "<9f4"), ("attribute", "<u2")])
    return np.frombuffer(data, record, count, 84)["corners"].reshape(-1, 3, 3).astype(float)


def add_pelvis(labels: np.ndarray, spacing: float, meshes: dict[str, np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Return the label map, grown downwards and sideways, with sacrum and pelvic bones in it.

    Args:
        labels: VerSe numbers with a fifth lumbar vertebra; x to the right, y to the front, z up.
        spacing: of the isotropic grid in mm.
        meshes: triangles of ``sacrum``, ``l_pelvis`` and ``r_pelvis`` in MyoTorso's frame.
        random: source of size and tilt.
    """
    pad = round(130 / spacing)
    grown = np.pad(labels, ((pad, pad), (pad, pad), (round(200 / spacing), 0)))
    seat, up, front = _lower_endplate(grown, spacing)
    right = np.cross(front, up)
    scale = random.uniform(1.08, 1.22) * 1000 / spacing
    angle = TILT + random.uniform(-0.15, 0.15)
    cos, sin = np.cos(angle), np.sin(angle)
    gap = random.uniform(5, 11) / spacing
    for name, code in PARTS.items():
        points = (meshes[name] - SEAT) * scale
        along = points[..., 0] * cos - points[..., 1] * sin  # the vertebra's own axes: front, up
        above = points[..., 0] * sin + points[..., 1] * cos
        place = seat - gap * up + along[..., None] * front + above[..., None] * up + points[..., 2, None] * right
        solid = _voxelise(place, grown.shape)
        grown[solid & (grown == UNKNOWN)] = code
    return grown


def _lower_endplate(labels: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the middle of the lower endplate of L5 in voxels, and unit vectors along its body and to its front."""
    bodies = []
    for code in (LOWEST_LUMBAR, LOWEST_LUMBAR - 1):
        box = box_of(labels == code)
        thick = binary_opening(labels[box] == code, iterations=max(1, round(7 / spacing)))
        bodies.append(np.argwhere(thick) + [part.start for part in box])
    lowest, above = (body.mean(0) for body in bodies)
    up = above - lowest
    up[0] = 0
    tilt = 0.12  # L5 leans further forward than the line to L4
    up = np.array([0, up[1] * np.cos(tilt) + up[2] * np.sin(tilt), up[2] * np.cos(tilt) - up[1] * np.sin(tilt)])
    up /= np.linalg.norm(up)
    front = np.array([0, up[2], -up[1]])
    height = np.quantile((bodies[0] - lowest) @ up, 0.02)
    return lowest + height * up, up, front


def _voxelise(triangles: np.ndarray, shape) -> np.ndarray:
    """Return the voxels inside a surface given in voxel coordinates; gaps of up to four voxels are closed."""
    surface = np.zeros(shape, bool)
    for a, b, c in triangles:
        edges = max(np.linalg.norm(b - a), np.linalg.norm(c - a), np.linalg.norm(c - b))
        n = max(2, int(np.ceil(edges / 0.4)))
        u, v = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
        keep = u + v <= 1
        points = a + u[keep, None] * (b - a) + v[keep, None] * (c - a)
        index = np.round(points).astype(int)
        index = index[((index >= 0) & (index < shape)).all(1)]
        surface[tuple(index.T)] = True
    if not surface.any():
        return surface
    box = grown(box_of(surface), 3, shape)
    surface[box] |= binary_erosion(binary_fill_holes(binary_dilation(surface[box], iterations=2)), iterations=2)
    return surface
