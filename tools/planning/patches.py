"""Patch, batch and filters under a budget of memory."""

import math
from collections.abc import Sequence

import numpy as np

from custom_networks.errors import UserError

from .reasons import Reason, times
from .topology import LEAST_SIDE, MOST_POOLINGS, Topology, plan_filters, plan_topology, training_bytes

LEAST_BATCH, MOST_SHARE = 2, 0.05  # of all voxels of the training in one batch
FILTERS = 16  # of the first level
MOST_FILTERS = {2: 512, 3: 320}
MOST_PARAMETERS = 4_000_000  # so that the weights stay below 16 MiB
COVERED = 0.25  # share of the median image that a patch should see


class PatchPlanner:
    """Plan patches of images with a number of classes and channels.

    Args:
        memory: GiB that the feature maps of a training's step may take.
        classes: without background.
        channels: of the images.
    """

    def __init__(self, memory: float, classes: int, channels: int) -> None:
        self.memory, self.budget, self.classes, self.channels = memory, memory * 2**30, classes, channels

    def patch(self, median: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, Topology, list[int]]:
        """Begin with the median image and take from its relatively largest axis until a batch of two fits into the budget.

        Returns:
            patch, network and its filters.

        Raises:
            UserError: where not even the smallest patch fits.
        """
        patch = median.copy()
        while True:
            topology = plan_topology(patch, spacing)
            divisor = topology.divisor
            whole = np.ceil(patch / divisor).astype(int) * divisor
            filters = self._filters(topology)
            if training_bytes(whole, topology, filters, LEAST_BATCH) <= self.budget:
                return whole, topology, filters
            axis = next((axis for axis in np.argsort(-whole / median) if whole[axis] > max(divisor[axis], LEAST_SIDE)), None)
            if axis is None:
                raise UserError(f"--memory {self.memory:g}: too little for any patch.", "Give more GiB.")
            patch[axis] = min(patch[axis] - 1, whole[axis] - divisor[axis])

    def batch(self, patch: np.ndarray, topology: Topology, filters: Sequence[int], voxels: float) -> tuple[int, float]:
        """Return how many patches fit, at most `MOST_SHARE` of all voxels of the data, and the GiB that they take."""
        one = training_bytes(patch, topology, filters, 1)
        most = int(MOST_SHARE * voxels / np.prod(patch))
        batch = max(LEAST_BATCH, min(int(self.budget / one), most))
        return batch, batch * one / 2**30

    def reasons(
        self, patch: np.ndarray, median: np.ndarray, topology: Topology, filters: Sequence[int], batch: int, needed: float
    ) -> list[Reason]:
        """Say why patch, batch and network are as they are."""
        covered = min(1.0, float(np.prod(np.minimum(patch, median)) / np.prod(median)))
        advice = " Where a structure needs more around it: --low-resolution, or more --memory." if covered < COVERED else ""
        flat = sum(1 in kernel for kernel in topology.kernels)
        waiting = f" Kernels are flat along the coarse axis on {flat} level{'s' * (flat > 1)}, until the others are as coarse."
        return [
            Reason(
                "patch",
                times(patch),
                f"Begun with the median image, {times(median)}, and made smaller along its relatively largest axis until a batch "
                f"of {LEAST_BATCH} fits into the memory; it covers {covered:.0%} of that image.{advice}",
            ),
            Reason(
                "batch",
                str(batch),
                f"As many as fit into {self.memory:g} GiB, at least {LEAST_BATCH}, no more than {MOST_SHARE:.0%} of all voxels; "
                f"estimated are {needed:.2f} GiB of feature maps.",
            ),
            Reason(
                "poolings",
                ", ".join(map(str, topology.poolings)),
                f"Along each axis until {LEAST_SIDE} voxels are left, at most {MOST_POOLINGS} times; axes of coarser voxels wait."
                f"{waiting if flat else ''}",
            ),
            Reason(
                "filters",
                ", ".join(map(str, filters)),
                f"{FILTERS} at first (nnU-Net: 32), doubled at every level up to {MOST_PARAMETERS / 1e6:g} million parameters, "
                f"as weights may take 16 MiB. It has {self.parameters(topology, filters):,}.",
            ),
        ]

    def parameters(self, topology: Topology, filters: Sequence[int]) -> int:
        """Return the number of the planned network's parameters."""
        return count_parameters(topology, filters, self.classes + 1, self.channels)

    def _filters(self, topology: Topology) -> list[int]:
        most = MOST_FILTERS[len(topology.divisor)]
        filters = plan_filters(topology, FILTERS, most)
        while most > FILTERS and self.parameters(topology, filters) > MOST_PARAMETERS:
            most -= FILTERS
            filters = plan_filters(topology, FILTERS, most)
        return filters


def count_parameters(topology: Topology, filters: Sequence[int], outputs: int, inputs: int) -> int:
    """Return the number of parameters of MONAI's ``DynUNet`` with normalisation that has a factor and an offset."""
    volumes = [math.prod(kernel) for kernel in topology.kernels]
    total = outputs * (filters[0] + 1)
    for level, (volume, width) in enumerate(zip(volumes, filters, strict=True)):
        above = filters[level - 1] if level else inputs
        total += volume * (above + width) * width + 4 * width  # two convolutions and normalisations on the way down
        if level:  # on the way up a transposed convolution, then two over it and what comes across
            total += math.prod(topology.strides[level]) * width * above + volume * 3 * above**2 + 4 * above
    return total
