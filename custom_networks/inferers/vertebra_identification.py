"""Look once more at every instance of a traversal: which vertebra is it?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from ..geometry.regions import crop
from ..networks.helper_weights import load_helper
from ..vertebrae.crops import MOST, SIZE, SPACING, corner_of, crop_pair
from ..vertebrae.identified import COUNT, Identified
from ..vertebrae.traversal import Instance, TraversalState
from .autocast_inferer import AutocastInferer

AT_ONCE = 4  # crops in one call of the network
OWN = MOST // 2  # index of the instance that a crop is for
COARSER = 2.0  # times the scan's spacing, from which on crops are averaged rather than interpolated


class VertebraIdentification:
    """A network that tells the numbers of vertebrae, and their kinds, from crops that show ribs, neighbours and sacrum.

    There is a crop around each instance; it answers for all that it holds whole, and an instance gets the mean of its answers.

    Args:
        network: from crops to logits, see `VertebraLevelNet`.
        path: its weights, a raw state dict; read when they are first needed.
        precision: see `half_type`.

    Reference:
        Classifying all vertebrae once they are found, with the ends of regions as targets of their own, and numbering them together
        is the idea of Moeller et al., VERIDAH, arXiv 2601.14066, 2026; network, crops and model are ours.
    """

    def __init__(self, network: torch.nn.Module, path: str | Path, precision: str = "auto") -> None:
        self.network, self.path, self._loaded = network, Path(path), False
        self.inferer = AutocastInferer(precision)

    def __call__(self, state: TraversalState, instances: Sequence[Instance], spacing: float, threshold: float) -> list[Identified]:
        """Return what the network says of each instance, of the order from top to bottom.

        Args:
            state: after the search.
            instances: those to look at.
            spacing: of the volume in mm.
            threshold: from which on a voxel belongs to its instance.
        """
        if not self._loaded:
            self.network, self._loaded = load_helper(self.network, self.path), True
        self.network.to(state.volume.device)
        told: list[list[torch.Tensor]] = [[] for _ in instances]
        with torch.inference_mode():
            for first in range(0, len(instances), AT_ONCE):
                places = range(first, min(first + AT_ONCE, len(instances)))
                crops = torch.stack([self._crop(state, instances, place, spacing, threshold) for place in places])
                answers = self.inferer(crops, self.network).cpu()
                for place, indices, answer in zip(places, crops[:, 1].cpu(), answers, strict=True):
                    for index in _uncut(indices):
                        told[place + index - OWN].append(answer[index - 1])
        return [_mean(answers) for answers in told]

    def _crop(
        self, state: TraversalState, instances: Sequence[Instance], place: int, spacing: float, threshold: float
    ) -> torch.Tensor:
        """Return CT and indices around one instance, whose index is `OWN`."""
        ratio = SPACING / spacing
        size = [int(np.ceil(n * ratio)) for n in SIZE]
        indices = torch.zeros(256, dtype=torch.uint8, device=state.owner.device)
        for other, instance in enumerate(instances):
            index = OWN + other - place
            indices[instance.owner] = index if 0 < index <= MOST else 0
        ct, owner = crop_pair(state.volume, state.owner, instances[place].centroid, size)
        probability = crop(state.probability, corner_of(instances[place].centroid, size), size, 0)
        index = indices[owner.int()] * (probability >= threshold)
        mode = {"mode": "area"} if ratio >= COARSER else {"mode": "trilinear", "align_corners": False}
        ct = interpolate(ct[None, None].float(), size=SIZE, **mode)
        return torch.cat([ct, interpolate(index[None, None].float(), size=SIZE, mode="nearest-exact")], 1)[0]


def _uncut(indices: torch.Tensor) -> list[int]:
    """Return the indices in a crop that its lower and upper face do not cut, and always that of the instance that it is for."""
    cut = {0, *indices[..., [0, -1]].unique().int().tolist()}
    return [OWN, *({*indices.unique().int().tolist()} - cut - {OWN})]


def _mean(answers: list[torch.Tensor]) -> Identified:
    """Return the geometric mean of what several crops say of one instance."""
    logits = torch.stack(answers)
    parts = (logits[:, :COUNT], logits[:, COUNT:])
    return Identified(*(part.log_softmax(1).mean(0).softmax(0).numpy() for part in parts))
