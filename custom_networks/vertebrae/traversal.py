"""What a traversal of a scan knows: the volume, the instances so far, the network's answers."""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from ..geometry.regions import overlap
from .bone_boxes import BoneBoxes

SLIVER = 255  # owner of what the scan's border leaves of a vertebra, too little for an instance
HALO = 2  # voxels around an instance whose probabilities are kept for the upsampling


@dataclass
class FoundVertebra:
    """What the traversal says of one instance: ``number`` is VerSe's, ``steps`` the patches that it took."""

    number: int
    complete: bool
    completeness: float
    estimate: float | None
    steps: int


@dataclass
class TraversalCounts:
    """What a traversal cost."""

    patches: int = 0
    skipped: int = 0
    network_seconds: float = 0.0
    total_seconds: float = 0.0
    not_finite: int = 0


@dataclass
class Answer:
    """The network's answer in one patch: its corner in the volume, and the largest connected fragment that is new.

    ``low`` and ``high`` bound the fragment in the volume.
    """

    corner: np.ndarray
    probability: np.ndarray
    fragment: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: int
    completeness: float
    estimate: float | None


@dataclass
class Instance:
    """An instance under way: its mark in the map of owners, the window's trail that it belongs to, the box of its voxels."""

    vertebra: FoundVertebra
    owner: int
    trail: int
    low: np.ndarray
    high: np.ndarray
    size: int

    @property
    def centre(self) -> np.ndarray:
        return (self.low + self.high) / 2


@dataclass
class TraversalState:
    """A traversal under way: ``owner`` is the instance of every voxel, ``probability`` how sure that is."""

    volume: torch.Tensor
    bone: BoneBoxes
    owner: np.ndarray
    probability: np.ndarray
    found: list[Instance] = field(default_factory=list)
    slivers: int = 0


def one_spine(found: list[Instance], margin: float, reach: float) -> list[Instance]:
    """Return the instances of the best trail, and of others what lies above or below it and not far aside.

    Nobody has two vertebrae at one height, so what lies beside the best trail is something else. A trail is as good as the
    voxels of its complete instances; incomplete ones count a tenth.

    Args:
        found: instances of all trails.
        margin: how far two trails may overlap in height, in voxels.
        reach: how far aside, in voxels, the next trail may begin.
    """
    trails: dict[int, list[Instance]] = {}
    for instance in found:
        trails.setdefault(instance.trail, []).append(instance)
    kept: list[Instance] = []
    for trail in sorted(trails.values(), key=lambda t: -sum(i.size * (1.0 if i.vertebra.complete else 0.1) for i in t)):
        for instance in trail:
            if kept and instance.trail != kept[0].trail:
                heights = [other.centre[2] for other in kept]
                nearest = min(kept, key=lambda other: abs(other.centre[2] - instance.centre[2]))
                if min(heights) - margin < instance.centre[2] < max(heights) + margin:
                    continue
                if np.abs(nearest.centre - instance.centre)[:2].max() > reach:
                    continue
            kept.append(instance)
    return kept


def spread(length: int, step: int) -> np.ndarray:
    """Return centres at most ``step`` apart from one end of an axis to the other."""
    return np.round(np.linspace(0, length - 1, int(np.ceil((length - 1) / step)) + 1)).astype(int)


def write_instance(state: TraversalState, answer: Answer, index: int, threshold: float) -> None:
    """Write an instance where it was computed: its voxels, and a margin of lesser probabilities around them."""
    there, inside = overlap(answer.corner, answer.fragment.shape, state.owner.shape)
    fragment, probability = answer.fragment[inside], answer.probability[inside]
    owner, held = state.owner[there], state.probability[there]
    margin = binary_dilation(fragment, iterations=HALO) & (probability < threshold) & (held < probability)
    new = fragment | margin
    owner[new], held[new] = index, probability[new]
