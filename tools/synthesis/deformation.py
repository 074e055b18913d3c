"""Random change of shape: rotation, scale, shear, bending."""

import numpy as np
from scipy.ndimage import map_coordinates, zoom

COARSE, FINE = 80.0, 28.0  # mm between the control points of the two displacement fields


class Deformation:
    """A random smooth map from an output grid to a source, in mm.

    Args:
        random: source of all parameters.
        shape: voxels of the output grid, ``(X, Y, Z)``.
        spacing: isotropic spacing of the output grid in mm.
        source_centre: the point of the source, in mm, that comes to the middle of the output grid.
        strength: 1 for the full ranges (rotation to 12 degrees, scale 0.8 to 1.15, bending of 6 mm), 0 for none.
    """

    def __init__(
        self,
        random: np.random.Generator,
        shape: tuple[int, int, int],
        spacing: float,
        source_centre: np.ndarray,
        strength: float = 1.0,
    ) -> None:
        self.shape, self.spacing = tuple(shape), spacing
        matrix = np.eye(3)
        for axis, angle in enumerate(random.uniform(-12, 12, 3) * strength):
            matrix = matrix @ _rotation(axis, np.deg2rad(angle))
        scale = 1 + strength * (random.uniform(0.8, 1.15) - 1)
        scales = scale * (1 + strength * random.uniform(-0.1, 0.1, 3))
        shear = np.eye(3) + strength * random.uniform(-0.08, 0.08, (3, 3)) * (1 - np.eye(3))
        self.matrix = matrix @ shear @ np.diag(1 / scales)
        if random.random() < 0.5 and strength > 0:
            self.matrix[:, 0] *= -1  # a mirrored person
        self.centre = np.asarray(source_centre, float)
        self.fields = [
            _control_points(random, self.shape, spacing, step, sd * strength) for step, sd in ((COARSE, 6.0), (FINE, 1.2))
        ]

    def coordinates(self, source_spacing: np.ndarray) -> np.ndarray:
        """Return the source's array coordinates of every output voxel, ``(3, X, Y, Z)`` in float32."""
        axes = [(np.arange(n, dtype=np.float32) - (n - 1) / 2) * self.spacing for n in self.shape]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"))
        points = np.tensordot(self.matrix.astype(np.float32), grid, axes=1)
        for field in self.fields:
            for axis in range(3):
                points[axis] += _to_shape(field[axis], self.shape)
        points += self.centre.astype(np.float32)[:, None, None, None]
        return points / np.asarray(source_spacing, np.float32)[:, None, None, None]

    @staticmethod
    def sample(array: np.ndarray, coordinates: np.ndarray, order: int, outside: float) -> np.ndarray:
        """Read an array at coordinates: ``order`` 0 for labels, 1 for images."""
        return map_coordinates(array, coordinates, order=order, mode="constant", cval=outside, prefilter=False)


def _rotation(axis: int, angle: float) -> np.ndarray:
    matrix = np.eye(3)
    others = [i for i in range(3) if i != axis]
    matrix[np.ix_(others, others)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def _control_points(random: np.random.Generator, shape, spacing: float, step: float, sd: float) -> np.ndarray:
    counts = [max(4, round(n * spacing / step) + 3) for n in shape]
    return random.normal(0, sd, (3, *counts)).astype(np.float32)


def _to_shape(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    smooth = zoom(field, 4, order=3)
    return zoom(smooth, [n / m for n, m in zip(shape, smooth.shape, strict=True)], order=1, grid_mode=False)
