"""How much bone any box of a volume holds, from one pass over the volume."""

import numpy as np


class BoneBoxes:
    """Count the bone voxels of any box in constant time, by sums over all prefixes (a summed-area table).

    Args:
        bone: where bone is, ``(X, Y, Z)``.
    """

    def __init__(self, bone: np.ndarray) -> None:
        sums = np.zeros([n + 1 for n in bone.shape], np.int32)
        sums[1:, 1:, 1:] = bone
        for axis in range(3):
            np.cumsum(sums, axis=axis, out=sums)
        self.sums, self.shape = sums, np.array(bone.shape)

    def count(self, corner: np.ndarray, size: int) -> int:
        """Return the bone voxels in the cube at ``corner`` with sides of ``size``; what lies outside counts nothing."""
        low = np.clip(corner, 0, self.shape)
        high = np.clip(np.asarray(corner) + size, 0, self.shape)
        total = 0
        for x, sign_x in ((high[0], 1), (low[0], -1)):
            for y, sign_y in ((high[1], 1), (low[1], -1)):
                for z, sign_z in ((high[2], 1), (low[2], -1)):
                    total += sign_x * sign_y * sign_z * int(self.sums[x, y, z])
        return total
