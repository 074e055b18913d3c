"""How patches may be mirrored and turned in training."""

import re
from collections.abc import Sequence

import numpy as np

from .grids import ANISOTROPIC
from .reasons import Reason

SIDES = re.compile(r"(^|[^a-z])(left|right|l|r)([^a-z]|$)")
LONG = 1.5  # sides' ratio of a plane above which it is not turned round
FIFTEEN_DEGREES, THIRTY_DEGREES, HALF_TURN = 0.2618, 0.5236, 3.1416


def plan_mirroring(names: Sequence[str], named: bool, dimensions: int, side: int) -> tuple[list[int], Reason]:
    """Return the axes to mirror along: all, but for right and left where classes have sides, or may have.

    Args:
        names: of the classes.
        named: whether the names are the user's, and so tell sides.
        dimensions: of the network.
        side: axis from right to left.
    """
    sided = any(SIDES.search(name.lower()) for name in names)
    keep = sided or (not named and len(names) > 1)
    mirror = [axis for axis in range(dimensions) if not (keep and axis == side)]
    why = "No class has a side."
    if keep:
        why = f"Right and left stay, as classes {'have sides' if sided else 'without names may have sides; name them by --label'}."
    return mirror, Reason("mirroring", f"along axes {', '.join(map(str, mirror))}" if mirror else "none", why)


def plan_rotation(patch: np.ndarray, spacing: np.ndarray, full_turns: bool) -> tuple[list[float], Reason]:
    """Return the largest angle in radians around each axis of a volume, or that of a plane.

    As nnU-Net: 30 degrees; flat patches turn in their plane alone, by any angle, by 15 degrees where the plane is long. Planes
    whose sides stay are not turned round either.
    """
    volume = len(patch) == 3
    flat = not volume or patch.max() / patch.min() > ANISOTROPIC or spacing.max() / spacing.min() >= ANISOTROPIC
    if not flat:
        return [THIRTY_DEGREES] * 3, Reason("turning", "30 degrees", "Around each axis, as patches are about as deep as wide.")
    long = max(patch[:2]) / min(patch[:2]) > LONG
    angle, told = (FIFTEEN_DEGREES, "15 degrees") if long or not full_turns else (HALF_TURN, "any angle")
    why = "In the plane alone, as patches or voxels are flat" if volume else "In the plane"
    why += {True: "."}.get(angle == HALF_TURN, f"; {'the plane is long' if long else 'right and left stay'}.")
    return [0.0, 0.0, angle] if volume else [angle], Reason("turning", told, why)
