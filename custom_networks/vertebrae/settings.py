"""What leads the traversal of a scan."""

import re
from dataclasses import dataclass

from ..errors import UserError
from .names import VERTEBRA_NUMBERS, check_direction, level_of

MOST_INSTANCES = 254  # a map of owners has 8 bits, of which one value marks slivers


@dataclass(frozen=True)
class TraversalSettings:
    """Sizes, thresholds and bounds of a traversal.

    Args:
        patch: side of the cubic patch in voxels.
        spacing: isotropic spacing of the volumes in mm.
        direction: ``"down"`` or ``"up"``; the one that the network was trained for.
        threshold: probability from which on a voxel belongs to the instance, in (0, 1).
        min_size: smallest instance in mm3; a sixteenth of it suffices for a sliver at the border.
        max_steps: most patches until the centre settles.
        max_vertebrae: most instances, false ones included, at most `MOST_INSTANCES`.
        max_doubtful: instances in a row, inside the scan and yet incomplete, after which a trail is no spine.
        max_patches: most patches of a search, of which there may be six; what was found until then is its result, and a
            warning says so.
        bone: intensity from which on a voxel is bone; 200 HU, in the units of the volume.
        min_bone: least bone in a window in mm3; 0 searches every window.
        outside: intensity beyond the volume.
        window_batch: windows that the search looks at in one call of the network, see `windows_at_once`; on a CPU two take as long
            as one after the other.
        precision: see `half_type`.

    Raises:
        ValueError: for a direction that is neither, or too many instances.
    """

    patch: int = 128
    spacing: float = 1.0
    direction: str = "down"
    threshold: float = 0.5
    min_size: float = 1000.0
    max_steps: int = 10
    max_vertebrae: int = 60
    max_doubtful: int = 3
    max_patches: int = 2000
    bone: float = 0.2
    min_bone: float = 1000.0
    outside: float = -1.0
    window_batch: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_direction(self.direction)
        if not 1 <= self.max_vertebrae <= MOST_INSTANCES:
            raise ValueError(f"max_vertebrae must be in [1, {MOST_INSTANCES}], got {self.max_vertebrae}.")

    @property
    def down(self) -> int:
        """Sign of the traversal's direction: 1 down, -1 up."""
        return 1 if self.direction == "down" else -1

    @property
    def min_voxels(self) -> float:
        return self.min_size / self.spacing**3

    @property
    def min_bone_voxels(self) -> float:
        return self.min_bone / self.spacing**3


@dataclass(frozen=True)
class Levels:
    """A range of vertebrae, such as L1 to L5; it ends where the sacrum begins."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> "Levels":
        """Read ``"L1-L5"`` or a single ``"T12"``.

        Raises:
            UserError: when a name is no vertebra, or the range runs upwards.
        """
        names = re.split(r"\s*-\s*", text.strip().upper())
        if len(names) > 2 or any(name not in VERTEBRA_NUMBERS for name in names):
            raise UserError(f"levels {text!r}: no range of vertebrae.", "Give two names from top to bottom, such as L1-L5, or one.")
        first, last = VERTEBRA_NUMBERS[names[0]], VERTEBRA_NUMBERS[names[-1]]
        if level_of(first) > level_of(last):
            raise UserError(f"levels {text!r}: {names[0]} lies below {names[1]}.", f"Give {names[1]}-{names[0]}.")
        return cls(first, last)

    def __contains__(self, number: int) -> bool:
        return level_of(self.first) <= level_of(number) <= level_of(self.last)
