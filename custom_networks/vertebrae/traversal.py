"""What a traversal of a scan knows: the volume, the instances so far, the network's answers."""

from dataclasses import dataclass, field

import numpy as np
import torch

from ..geometry.regions import overlap
from .bone_boxes import BoneBoxes

SLIVER = 255  # owner of what the scan's border leaves of a vertebra, too little for an instance
HALO = 2  # voxels around an instance whose probabilities are kept for the upsampling


@dataclass
class FoundVertebra:
    """What the traversal says of one instance.

    ``number`` is VerSe's and ``probability`` how likely it is; ``completeness`` is the network's, ``complete`` tells whether that
    is 0.5 or more and, once numbered, whether the mask stays clear of the scan's border; ``certainty`` is the network's mean
    probability inside, ``steps`` the patches that it took.
    """

    number: int
    complete: bool
    completeness: float
    estimate: float | None
    steps: int
    probability: float = 0.0
    certainty: float = 1.0


@dataclass
class TraversalCounts:
    """What a traversal cost."""

    patches: int = 0
    skipped: int = 0
    network_seconds: float = 0.0
    total_seconds: float = 0.0
    not_finite: int = 0

    def add(self, other: "TraversalCounts") -> None:
        """Add those of another search of the same scan."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)


@dataclass
class Answer:
    """The network's answer in one patch: its corner in the volume, and the largest connected fragment that is new.

    ``probability`` stays on the device; ``fragment`` is the mask that came home. ``low`` and ``high`` bound the fragment in the
    volume, ``centroid`` is its centre of mass there; ``cut`` tells that it ends where the scan does.
    """

    corner: np.ndarray
    probability: torch.Tensor
    fragment: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centroid: np.ndarray
    size: int
    completeness: float
    estimate: float | None
    cut: bool


@dataclass
class Instance:
    """An instance under way: its mark in the map of owners, the window's trail that it belongs to, where it lies, in voxels."""

    vertebra: FoundVertebra
    owner: int
    trail: int
    low: np.ndarray
    high: np.ndarray
    centroid: np.ndarray
    size: int
    cut: bool = False

    @property
    def centre(self) -> np.ndarray:
        return (self.low + self.high) / 2


@dataclass
class TraversalState:
    """A traversal under way, on the volume's device: ``owner`` is the instance of every voxel, ``probability`` how sure that is.

    Beside a volume of 4 bytes a voxel these take 3, and what finds bone takes next to nothing.
    """

    volume: torch.Tensor
    bone: BoneBoxes
    owner: torch.Tensor
    probability: torch.Tensor
    found: list[Instance] = field(default_factory=list)
    slivers: int = 0
    counts: TraversalCounts = field(default_factory=TraversalCounts)

    @classmethod
    def begin(cls, volume: torch.Tensor, bone: float) -> "TraversalState":
        """Return the state before the first patch; ``bone`` is the intensity from which on a voxel is bone."""
        owner = torch.zeros(volume.shape, dtype=torch.uint8, device=volume.device)
        probability = torch.zeros(volume.shape, dtype=torch.float16, device=volume.device)
        return cls(volume, BoneBoxes((volume > bone).cpu().numpy()), owner, probability)

    @property
    def shape(self) -> np.ndarray:
        return np.array(self.volume.shape)


def spread(length: int, step: int) -> np.ndarray:
    """Return centres at most ``step`` apart from one end of an axis to the other."""
    return np.round(np.linspace(0, length - 1, int(np.ceil((length - 1) / step)) + 1)).astype(int)


def write_instance(state: TraversalState, answer: Answer, index: int, threshold: float) -> float:
    """Write an instance where it was computed: its voxels, and a margin of lesser probabilities around them.

    Returns:
        the mean probability inside.
    """
    there, inside = overlap(answer.corner, answer.fragment.shape, state.owner.shape)
    fragment = torch.from_numpy(answer.fragment[inside]).to(state.owner.device)
    probability = answer.probability[inside]
    owner, held = state.owner[there], state.probability[there]
    margin = grown_mask(fragment, HALO) & (probability < threshold) & (held < probability)
    new = fragment | margin
    owner[new], held[new] = index, probability[new]
    return float(probability[fragment].float().mean())


def forget_instance(state: TraversalState, instance: Instance) -> None:
    """Take an instance, and the margin around it, out of the maps."""
    there = overlap(instance.low - HALO, instance.high - instance.low + 2 * HALO, state.shape)[0]
    its = state.owner[there] == instance.owner
    state.owner[there][its] = 0
    state.probability[there][its] = 0


def grown_mask(mask: torch.Tensor, voxels: int) -> torch.Tensor:
    """Return a mask with every voxel added that is at most so many steps over faces away."""
    grown = mask.clone()
    for _ in range(voxels):
        before = grown.clone()
        for axis, size in enumerate(mask.shape):
            grown.narrow(axis, 1, size - 1).logical_or_(before.narrow(axis, 0, size - 1))
            grown.narrow(axis, 0, size - 1).logical_or_(before.narrow(axis, 1, size - 1))
    return grown
