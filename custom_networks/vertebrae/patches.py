"""Ask the network about patches of a scan."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..geometry.regions import box_of, crop, largest_piece, touches_border
from ..inferers.precision import autocast
from .settings import TraversalSettings
from .traversal import Answer, Instance, TraversalState, grown_mask

NOTHING = 0.01  # above the intensity beyond the scan, up to which a voxel holds nothing
CUT = 0.03  # share of the voxels around a fragment that hold nothing, from which on the scan ends there


@dataclass(frozen=True)
class Look:
    """How the network is shown a patch.

    Attributes:
        most: intensity above which all looks the same, as contrast medium in a vessel then does beside bone; None changes nothing.
        alone: an instance that is looked at as if nothing had been found yet, and whose voxels may be given away again.
    """

    most: float | None = None
    alone: Instance | None = None


PLAIN, SOFT = Look(), Look(0.25)  # 250 HU


class PatchReader:
    """Run the network on patches of CT and memory and read its answers.

    Volume, memory and probabilities stay on the device: of each patch one mask and two numbers come home.

    Args:
        state: the traversal under way.
        network: from ``(B, 2, P, P, P)`` to logit, completeness logit and, if it has it, the number, as `IterativeFCN` gives them.
        settings: of the traversal.
    """

    def __init__(self, state: TraversalState, network: Callable[[torch.Tensor], torch.Tensor], settings: TraversalSettings) -> None:
        self.state, self.network, self.settings = state, network, settings
        self.size = [settings.patch] * 3

    def ask(self, centres: Sequence[np.ndarray], look: Look = PLAIN) -> list[Answer | None]:
        """Return what the network finds in the patches around some centres.

        None stands where there is too little bone, where there is no new fragment of the least size, and where the patches of this
        volume are used up.
        """
        state, settings = self.state, self.settings
        corners = [centre - settings.patch // 2 for centre in centres]
        bony = [state.bone.count(corner, settings.patch) >= settings.min_bone_voxels for corner in corners]
        state.counts.skipped += bony.count(False)
        room = max(0, settings.max_patches - state.counts.patches)
        asked = [index for index, enough in enumerate(bony) if enough][:room]
        answers: list[Answer | None] = [None] * len(centres)
        if not asked:
            return answers
        patches = torch.stack([self._patch(corners[index], look) for index in asked])
        began = time.perf_counter()
        with autocast(state.volume.device, settings.precision):
            outputs = self.network(patches.contiguous(memory_format=torch.channels_last_3d)).float()
        scalars = torch.cat([outputs[:, 1:, 0, 0, 0], outputs.abs().amax((1, 2, 3, 4)).isfinite()[:, None]], 1).tolist()
        state.counts.network_seconds += time.perf_counter() - began
        state.counts.patches += len(asked)
        for index, logits, (*numbers, finite) in zip(asked, outputs[:, 0], scalars, strict=True):
            state.counts.not_finite += not finite
            answers[index] = self._read(corners[index], logits, numbers, look) if finite else None
        return answers

    def _patch(self, corner: np.ndarray, look: Look) -> torch.Tensor:
        """Return CT and memory at a corner, ``(2, patch, patch, patch)``."""
        ct = crop(self.state.volume, corner, self.size, self.settings.outside)
        if look.most is not None:
            ct = ct.clamp(max=look.most)
        memory = crop(self.state.probability, corner, self.size, 0.0) >= self.settings.threshold
        return torch.stack([ct, memory.to(ct) if look.alone is None else torch.zeros_like(ct)])

    def _read(self, corner: np.ndarray, logits: torch.Tensor, numbers: list[float], look: Look) -> Answer | None:
        """Return the largest new fragment with what the network says of it; too small a one counts only at the scan's border."""
        least = self.settings.min_voxels
        probability = logits.sigmoid().to(self.state.probability)
        free = crop(self.state.probability, corner, self.size, 1.0) < self.settings.threshold
        if look.alone is not None:
            free |= crop(self.state.owner, corner, self.size, 0) == look.alone.owner
        fragment, size = largest_piece(((probability >= self.settings.threshold) & free).cpu().numpy())
        if not size or size * 16 < least:
            return None
        inside = box_of(fragment)
        low, high = (np.array([getattr(part, end) for part in inside]) + corner for end in ("start", "stop"))
        cut = touches_border(tuple(map(slice, low, high)), self.state.shape) or self._ends_in_nothing(corner, fragment)
        if size < least and not cut:
            return None
        centroid = np.argwhere(fragment[inside]).mean(0) + low
        completeness = float(1 / (1 + np.exp(-np.clip(numbers[0], -50, 50))))
        estimate = numbers[1] if len(numbers) > 1 else None
        return Answer(corner, probability, fragment, low, high, centroid, size, completeness, estimate, cut)

    def _ends_in_nothing(self, corner: np.ndarray, fragment: np.ndarray) -> bool:
        """Tell whether a fragment borders on what a scan is padded with: oblique scans end before their array does."""
        inside = torch.from_numpy(fragment).to(self.state.volume.device)
        around = grown_mask(inside, 2) & ~inside
        ct = crop(self.state.volume, corner, self.size, self.settings.outside)
        return float((ct[around] <= self.settings.outside + NOTHING).float().mean()) > CUT
