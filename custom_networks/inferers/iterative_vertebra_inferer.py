"""Find, separate and number every vertebra of a CT, one after the other."""

import json
import logging
import math
import time
from collections.abc import Callable

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer

from ..geometry.regions import overlap
from ..networks.fusion import for_inference
from ..vertebrae.headings import HEAD_DOWN, UPRIGHT, Heading, turned
from ..vertebrae.names import NAMES, SACRUM
from ..vertebrae.search import SpineSearch
from ..vertebrae.settings import Levels, TraversalSettings
from ..vertebrae.spine import Identify, Spine, number_spine
from ..vertebrae.traversal import HALO, TraversalCounts, TraversalState

logger = logging.getLogger("axial")
FEWEST = 3  # vertebrae that make a spine of a scan that was turned because it shows none as it lies


class IterativeVertebraInferer(Inferer):
    """Segment vertebrae one by one with a network that sees a patch and what was segmented before.

    A window goes through the scan in steps of half a patch until the network finds a fragment above ``min_size``. The patch is
    centred on that fragment until its centre settles; there the mask is written, where no instance is yet, and joins the memory.
    The same place is searched for the next vertebra; where there is none, the window goes on below. Windows with too little bone
    are passed over. A fragment that is too small, but cut by the scan's border, joins the memory and is no instance: the network
    would otherwise not see past it. Then all instances are numbered at once (`number_vertebrae`).

    Whatever the network answers, the traversal ends: no vertebra takes more than ``max_steps`` patches, there are no more than
    ``max_vertebrae``, and no window is searched twice without a vertebra or a sliver written in between.

    Args:
        patch: side of the cubic patch in voxels.
        spacing: isotropic spacing of the volumes in mm.
        keep_incomplete: whether instances that the scan's border cuts stay in the result.
        keep_sacrum: whether the sacrum, where it was found, stays in the result as 26.
        levels: vertebrae to segment, such as ``"L1-L5"``; the search ends beyond them. None or ``"all"`` takes all.
        identification: looks at every instance once more, such as `VertebraIdentification`; None numbers by the search alone.
        settings: the rest of `TraversalSettings`, by name.

    Raises:
        ValueError: for settings that are none, or a batch whose images have more than one channel.
        UserError: for levels that are no range of vertebrae.

    Shape:
        input ``(B, 1, X, Y, Z)`` in RAS; output ``(B, 2, X, Y, Z)`` in half precision: VerSe number of the likeliest instance,
        and its probability. The number stands in a margin below the threshold too, so that `RestoreInstancesd` can draw smooth
        borders on a finer grid. ``meta["vertebrae"]`` of a `MetaTensor` holds a list of `FoundVertebra` per image,
        ``meta["spine"]`` what `Spine.describe` says, both as JSON text; ``counts`` what the last volume cost.

    Reference:
        Lessmann et al., Medical Image Analysis 53:142-155, 2019, section 2.3.
    """

    def __init__(
        self,
        patch: int = 128,
        spacing: float = 1.0,
        keep_incomplete: bool = True,
        keep_sacrum: bool = True,
        levels: str | None = None,
        identification: Identify | None = None,
        **settings,
    ) -> None:
        self.settings = TraversalSettings(patch, spacing, **settings)
        self.keep_incomplete, self.keep_sacrum = keep_incomplete, keep_sacrum
        self.levels = Levels.parse(levels) if levels and levels.lower() != "all" else None
        self.identification = identification
        self.counts = TraversalCounts()

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        if inputs.shape[1] != 1:
            raise ValueError(f"expected images of one channel, got {inputs.shape[1]}.")
        results, vertebrae, spines = [], [], []
        with torch.inference_mode():
            fused = for_inference(network)
        for volume in inputs:
            result, spine = self._infer_volume(volume, lambda patch: fused(patch, *args, **kwargs))
            results.append(result)
            vertebrae.append(json.dumps([vars(instance.vertebra) for instance in spine.instances]))
            spines.append(json.dumps(spine.describe()))
        output = torch.stack(results) if len(results) > 1 else results[0][None]  # no copy of one
        if isinstance(inputs, MetaTensor):
            meta = dict(inputs.meta) | {"vertebrae": vertebrae, "spine": spines}
            output = MetaTensor(output, meta=meta, applied_operations=inputs.applied_operations)
            output.is_batch = inputs.is_batch
        return output

    def _infer_volume(self, volume: torch.Tensor, network: Callable) -> tuple[torch.Tensor, Spine]:
        start = time.perf_counter()
        self.counts = TraversalCounts()
        state, spine, heading = self._search(volume.as_subclass(torch.Tensor), network)
        spine.instances = [instance for instance in spine.instances if self._is_wanted(instance.vertebra)]
        result = state.probability.new_zeros((2, *state.probability.shape))  # 0 where slivers and false pieces are
        result[1] = state.probability
        for instance in spine.instances:
            there = overlap(instance.low - HALO, instance.high - instance.low + 2 * HALO, state.shape)[0]
            result[0][there].masked_fill_(state.owner[there] == instance.owner, instance.vertebra.number)
            name, steps = NAMES[instance.vertebra.number], instance.vertebra.steps
            logger.debug("%s: completeness %.2f, %d patches", name, instance.vertebra.completeness, steps)
        self.counts.total_seconds = time.perf_counter() - start
        self._warn(spine, state.counts)
        return turned(result, heading), spine

    def _search(self, volume: torch.Tensor, network: Callable) -> tuple[TraversalState, Spine, Heading]:
        """Return the state after the search, the spine, and how the volume was turned for them.

        Where numbers do not grow downwards, or nothing is found, the body is searched head up too, which takes three times as long;
        the likelier spine is taken, with a warning.
        """
        state, spine = self._search_as_it_lies(volume, network)
        if (spine.instances and not spine.misplaced) or state.counts.patches * (1 + len(HEAD_DOWN)) > self.settings.max_patches:
            return state, spine, UPRIGHT
        best, heading, fewest = spine.evidence if spine.instances else -math.inf, UPRIGHT, 1 if spine.instances else FEWEST
        for other in HEAD_DOWN:
            found, there = self._search_as_it_lies(turned(volume, other), network)
            if len(there.instances) >= fewest and not there.misplaced and there.evidence > best:
                state, spine, heading, best = found, there, other, there.evidence
        if heading == UPRIGHT:
            return state, spine, UPRIGHT
        spine.certain = False
        spine.warnings.append(f"the file's orientation is wrong: {HEAD_DOWN[heading]}; the scan was turned for the search.")
        return state, spine, heading

    def _search_as_it_lies(self, volume: torch.Tensor, network: Callable) -> tuple[TraversalState, Spine]:
        """Search once, and a scan lower than a patch twice: the network may need to see its end, or be misled by it.

        Of two results the one is taken of whose masks the network is surer, unless its numbers alone do not grow downwards.
        """
        ends = (False, True) if volume.shape[-1] < self.settings.patch else (False,)
        results = (self._search_once(volume, network, shows_end) for shows_end in ends)
        return max(results, key=lambda found: (not found[1].misplaced, found[1].surety))

    def _search_once(self, volume: torch.Tensor, network: Callable, shows_end: bool) -> tuple[TraversalState, Spine]:
        state = TraversalState.begin(volume[0], self.settings.bone)
        with torch.inference_mode():
            SpineSearch(state, network, self.settings, self.levels, shows_end).run()
        self.counts.add(state.counts)
        return state, number_spine(state, self.settings, self.identification, self.levels is None)

    def _is_wanted(self, vertebra) -> bool:
        if vertebra.number == SACRUM:
            return self.keep_sacrum and self.levels is None
        return (vertebra.complete or self.keep_incomplete) and (self.levels is None or vertebra.number in self.levels)

    def _warn(self, spine: Spine, counts: TraversalCounts) -> None:
        """Warn of what was wrong in the search whose result is taken."""
        if counts.not_finite:
            spine.warnings.append(f"{counts.not_finite} patches: the network's answer was not finite and was passed over.")
        if counts.patches >= self.settings.max_patches:
            spine.warnings.append(f"stopped after {self.settings.max_patches} patches; the result may lack vertebrae.")
        for warning in spine.warnings:
            logger.warning("%s", warning)
