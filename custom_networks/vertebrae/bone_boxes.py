"""How much bone any box of a volume holds, from one pass over the volume."""

import numpy as np

BLOCK = 4  # voxels a side; sums over all prefixes of single voxels would take as much memory as the volume


class BoneBoxes:
    """Count the bone voxels of any box in constant time, by sums over all prefixes of blocks (a summed-area table).

    The sides of a box are rounded to those of the blocks, so a count is that of a box whose sides lie at most half a block off.

    Args:
        bone: where bone is, ``(X, Y, Z)``.
    """

    def __init__(self, bone: np.ndarray) -> None:
        self.shape = np.array(bone.shape)
        for axis, length in enumerate(bone.shape):
            bone = np.add.reduceat(bone, range(0, length, BLOCK), axis=axis, dtype=np.uint8)
        sums = np.zeros([n + 1 for n in bone.shape], np.int32)
        sums[1:, 1:, 1:] = bone
        for axis in range(3):
            np.cumsum(sums, axis=axis, out=sums)
        self.sums = sums

    def count(self, corner: np.ndarray, size: int) -> int:
        """Return the bone voxels in the cube at ``corner`` with sides of ``size``; what lies outside counts nothing."""
        low, high = self._blocks(np.asarray(corner)), self._blocks(np.asarray(corner) + size)
        total = 0
        for x, sign_x in ((high[0], 1), (low[0], -1)):
            for y, sign_y in ((high[1], 1), (low[1], -1)):
                for z, sign_z in ((high[2], 1), (low[2], -1)):
                    total += sign_x * sign_y * sign_z * int(self.sums[x, y, z])
        return total

    def _blocks(self, voxel: np.ndarray) -> np.ndarray:
        """Return the side of a block that is nearest; the last one ends with the volume."""
        nearest = np.round(np.clip(voxel, 0, self.shape) / BLOCK).astype(int)
        return np.where(voxel >= self.shape, np.array(self.sums.shape) - 1, nearest)
