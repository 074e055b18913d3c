"""How deep a network pools along each axis, and what a step of its training needs.

After Isensee et al.: nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation. Nature Methods
18, 2021, https://doi.org/10.1038/s41592-020-01008-z (Online Methods, "Rule-based parameters").
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_SIDE = 4  # voxels of the deepest feature map along an axis
MOST_POOLINGS = 5
LEAST_LEVELS = 3  # that MONAI's DynUNet has
SIMILAR = 2.0  # axes whose voxels differ by less than this factor are pooled and convolved together
CONVOLUTIONS = 2  # of a level, on its way down and on its way up
BYTES = 4
COPIES = 3.0  # of a feature map that training keeps: outputs of convolution and normalisation, and a gradient


@dataclass(frozen=True)
class Topology:
    """Kernels and strides of each level, first the one of full resolution; ``divisor`` is what a patch's sides are multiples of."""

    kernels: list[list[int]]
    strides: list[list[int]]

    @property
    def divisor(self) -> np.ndarray:
        return np.prod(self.strides, axis=0)

    @property
    def poolings(self) -> list[int]:
        """How often each axis is pooled."""
        return [sum(step > 1 for step in axis) for axis in zip(*self.strides, strict=True)]


def plan_topology(patch: Sequence[int], spacing: Sequence[float]) -> Topology:
    """Pool each axis until four voxels are left; coarse axes wait until the others are as coarse.

    An axis is pooled as long as its map has at least twice `LEAST_SIDE` voxels and its voxels are less than twice as long as the
    shortest of the axes that can still be pooled. Kernels have 3 voxels along axes that are no coarser than that, else 1.

    Args:
        patch: voxels.
        spacing: of the voxels, in any unit.
    """
    size, length = np.array(patch, float), np.array(spacing, float)
    wide = length / length.min() < SIMILAR
    kernels, strides = [_kernel(wide)], [[1] * len(size)]
    while len(strides) <= MOST_POOLINGS:
        able = size >= 2 * LEAST_SIDE
        if not able.any():
            break
        pooled = able & (length / length[able].min() < SIMILAR)
        step = np.where(pooled, 2, 1)
        size, length = np.floor(size / step), length * step
        wide = wide | (length / length.min() < SIMILAR)
        strides.append(step.tolist())
        kernels.append(_kernel(wide))
    while len(strides) < LEAST_LEVELS:
        strides.append([1] * len(size))
        kernels.append(_kernel(wide))
    return Topology(kernels, strides)


def plan_filters(topology: Topology, base: int, most: int) -> list[int]:
    """Double the filters at every level, up to ``most``."""
    return [min(base * 2**level, most) for level in range(len(topology.strides))]


def training_bytes(patch: Sequence[int], topology: Topology, filters: Sequence[int], batch: int) -> float:
    """Estimate the bytes of feature maps that a step of training keeps."""
    voxels, elements = float(np.prod(patch)), 0.0
    for level, (stride, width) in enumerate(zip(topology.strides, filters, strict=True)):
        voxels /= math.prod(stride)
        deepest = level == len(filters) - 1
        maps = CONVOLUTIONS if deepest else 2 * CONVOLUTIONS + 1  # the way up begins with a transposed convolution
        elements += voxels * width * maps
    return elements * batch * COPIES * BYTES


def _kernel(wide: np.ndarray) -> list[int]:
    return np.where(wide, 3, 1).tolist()
