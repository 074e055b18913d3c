"""Find, separate and number every vertebra of a CT, one after the other."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer

from ..geometry.regions import box_of, crop, largest_piece, touches_border
from ..vertebrae.bone_boxes import BoneBoxes
from ..vertebrae.names import VERTEBRA_NAMES, check_direction
from ..vertebrae.numbering import length_of_spine, number_sequence
from ..vertebrae.traversal import (
    SLIVER,
    Answer,
    FoundVertebra,
    Instance,
    TraversalCounts,
    TraversalState,
    one_spine,
    spread,
    write_instance,
)
from .autocast_inferer import has_bfloat16

logger = logging.getLogger("axial")
SETTLED = 2  # voxels that the centre of a patch may move and still count as found
TRUSTED = 3  # complete vertebrae from which on a trail counts as the spine
MARGIN, REACH = 6.0, 60.0  # mm, see `one_spine`
BEYOND, BONE_BEYOND = 35.0, 8000.0  # mm of scan, and mm3 of bone in it, that tell the end of the spine from that of the scan


class IterativeVertebraInferer(Inferer):
    """Segment vertebrae one by one with a network that sees a patch and what was segmented before.

    A window goes through the scan in steps of half a patch until the network finds a fragment above ``min_size``. The patch is
    centred on that fragment until its centre settles; there the mask is written, where no instance is yet, and joins the memory.
    The same place is searched for the next vertebra; where there is none, the window goes on below. Windows with too little bone
    are passed over. A fragment that is too small, but cut by the scan's border, joins the memory and is no instance: the network
    would otherwise not see past it.

    Whatever the network answers, the traversal ends: no vertebra takes more than ``max_steps`` patches, there are no more than
    ``max_vertebrae``, and no window is searched twice without a vertebra or a sliver written in between.

    Args:
        patch: side of the cubic patch in voxels.
        spacing: isotropic spacing of the volumes in mm.
        direction: ``"down"`` or ``"up"``; the one that the network was trained for.
        threshold: probability from which on a voxel belongs to the instance.
        min_size: smallest instance in mm3; a sixteenth of it suffices for a sliver at the border.
        max_steps: most patches until the centre settles.
        max_vertebrae: most instances.
        max_patches: most patches of a volume; what was found until then is the result, and a warning says so.
        bone: intensity from which on a voxel is bone; 200 HU, in the units of the volume.
        min_bone: least bone in a window in mm3; 0 searches every window.
        outside: intensity beyond the volume.
        keep_incomplete: whether instances that the network calls incomplete stay in the result.
        window_batch: windows that the search looks at in one call of the network. More than one pays on GPUs; on a CPU two take as
            long as one after the other.
        bfloat16: whether the network runs in bfloat16 where `has_bfloat16` finds it fast.
        on_vertebra: called with every `FoundVertebra` as it is written; its number is still its place in the sequence.

    Raises:
        ValueError: for a direction that is neither, or a batch whose images have more than one channel.

    Shape:
        input ``(B, 1, X, Y, Z)`` in RAS; output ``(B, 2, X, Y, Z)``: VerSe number of the likeliest instance, and its
        probability. The number stands in a margin below the threshold too, so that `RestoreInstancesd` can draw smooth borders on
        a finer grid. ``meta["vertebrae"]`` of a `MetaTensor` holds a list of `FoundVertebra` per image, as JSON text;
        ``counts`` what the last volume cost.

    Reference:
        Lessmann et al., Medical Image Analysis 53:142-155, 2019, section 2.3.
    """

    def __init__(
        self,
        patch: int = 128,
        spacing: float = 1.0,
        direction: str = "down",
        threshold: float = 0.5,
        min_size: float = 1000.0,
        max_steps: int = 10,
        max_vertebrae: int = 30,
        max_patches: int = 2000,
        bone: float = 0.2,
        min_bone: float = 1000.0,
        outside: float = -1.0,
        keep_incomplete: bool = True,
        window_batch: int = 1,
        bfloat16: bool = False,
        on_vertebra: Callable[[FoundVertebra], None] | None = None,
    ) -> None:
        if max_vertebrae >= SLIVER:
            raise ValueError(f"max_vertebrae must be below {SLIVER}, got {max_vertebrae}.")
        self.patch, self.spacing, self.direction, self.threshold = patch, spacing, check_direction(direction), threshold
        self.min_voxels, self.min_bone_voxels = min_size / spacing**3, min_bone / spacing**3
        self.max_steps, self.max_vertebrae, self.max_patches = max_steps, max_vertebrae, max_patches
        self.bone, self.outside, self.keep_incomplete, self.bfloat16 = bone, outside, keep_incomplete, bfloat16
        self.on_vertebra, self.window_batch = on_vertebra, window_batch
        self.counts = TraversalCounts()

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        if inputs.shape[1] != 1:
            raise ValueError(f"expected images of one channel, got {inputs.shape[1]}.")
        results, found = [], []
        for volume in inputs:
            result, vertebrae = self._infer_volume(volume, lambda patch: network(patch, *args, **kwargs))
            results.append(result)
            found.append(json.dumps([vars(vertebra) for vertebra in vertebrae]))
        output = torch.stack(results)
        if isinstance(inputs, MetaTensor):
            output = MetaTensor(output, meta=dict(inputs.meta) | {"vertebrae": found}, applied_operations=inputs.applied_operations)
            output.is_batch = inputs.is_batch
        return output

    def _infer_volume(self, volume: torch.Tensor, network: Callable) -> tuple[torch.Tensor, list[FoundVertebra]]:
        start = time.perf_counter()
        self.counts = TraversalCounts()
        volume = volume[0].as_subclass(torch.Tensor)
        bone = BoneBoxes(volume.cpu().numpy(), self.bone)
        state = TraversalState(volume, bone, np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.float32))
        with torch.inference_mode():
            self._traverse(state, network)
        kept = self._number(state)
        table = np.zeros(256, np.uint8)  # from owner to number; 0 for slivers and what was dropped
        for instance in kept:
            table[instance.owner] = instance.vertebra.number
        result = np.stack([table[state.owner].astype(np.float32), state.probability])
        self.counts.total_seconds = time.perf_counter() - start
        if self.counts.not_finite:
            logger.warning("%d patches: the network's answer was not finite and was passed over.", self.counts.not_finite)
        if self.counts.patches >= self.max_patches:
            logger.warning("stopped after %d patches; the result may lack vertebrae.", self.max_patches)
        return torch.from_numpy(result).to(volume.device), [instance.vertebra for instance in kept]

    def _traverse(self, state: TraversalState, network: Callable) -> None:
        """Go through the windows; from each vertebra follow its trail.

        A trail of complete vertebrae is the spine, and the search goes on below it. After any other the windows beside it are
        searched too, so that something that only looks like a vertebra does not hide the spine.
        """
        windows = list(self._windows(state))
        index = 0
        while len(state.found) < self.max_vertebrae:
            index = self._next_window(state, windows, index, network)
            if index == len(windows):
                return
            first = len(state.found)
            centre = self._write_next(state, windows[index], network, index)
            last = centre
            while centre is not None and len(state.found) < self.max_vertebrae:
                last = centre
                centre = self._follow(state, last, network, index)
            trail = state.found[first:]
            if sum(instance.vertebra.complete for instance in trail) >= TRUSTED:
                index = self._resume(windows, index, last)
            else:
                index += 1

    def _next_window(self, state: TraversalState, windows: list[np.ndarray], index: int, network: Callable) -> int:
        """Return the first window from ``index`` on that is worth a look: in batches, the first in which there is a fragment."""
        if self.window_batch == 1:
            return index
        while index < len(windows):
            batch = windows[index : index + self.window_batch]
            for offset, answer in enumerate(self._ask(state, batch, network)):
                if answer is not None:
                    return index + offset
            index += len(batch)
        return len(windows)

    def _windows(self, state: TraversalState) -> Iterator[np.ndarray]:
        """Yield centres half a patch apart, level by level; within a level those nearest to the scan's axis first."""
        shape, half = np.array(state.volume.shape), self.patch // 2
        axes = [spread(n, half) for n in shape]
        middle = shape[:2] / 2
        columns = sorted(
            (np.array([x, y]) for x in axes[0] for y in axes[1]), key=lambda column: (np.hypot(*(column - middle)), *column)
        )
        for z in axes[2][::-1] if self.direction == "down" else axes[2]:
            for column in columns:
                yield np.append(column, z)

    def _follow(self, state: TraversalState, centre: np.ndarray, network: Callable, trail: int) -> np.ndarray | None:
        """Look for the next vertebra where the last one was found, then half a patch further on."""
        step = np.array([0, 0, self.patch // 4 if self.direction == "up" else -(self.patch // 4)])
        for place in (centre, centre + step, centre + 2 * step):
            following = self._write_next(state, place, network, trail)
            if following is not None:
                return following
        return None

    def _resume(self, windows: list[np.ndarray], index: int, lowest: np.ndarray) -> int:
        """Return the first window after ``index`` whose patch reaches beyond the last vertebra's centre."""
        reach = self.patch // 2
        for following in range(index + 1, len(windows)):
            beyond = lowest[2] - windows[following][2] if self.direction == "down" else windows[following][2] - lowest[2]
            if beyond > -reach // 2:
                return following
        return len(windows)

    def _write_next(self, state: TraversalState, start: np.ndarray, network: Callable, trail: int) -> np.ndarray | None:
        """Find a vertebra from a starting centre and write it; return its centre, or None where there is none."""
        answer, steps, centre = self._settle(state, np.round(start).astype(int), network)
        while answer is not None and answer.size < self.min_voxels and state.slivers < self.max_vertebrae:
            state.slivers += 1
            write_instance(state, answer, SLIVER, self.threshold)
            answer, steps, centre = self._settle(state, np.round(start).astype(int), network)
        if answer is None or answer.size < self.min_voxels:
            return None
        index = len(state.found) + 1
        write_instance(state, answer, index, self.threshold)
        complete = answer.completeness > 0.5
        vertebra = FoundVertebra(index, complete, round(answer.completeness, 4), answer.estimate, steps)
        state.found.append(Instance(vertebra, index, trail, answer.low, answer.high, answer.size))
        if self.on_vertebra:
            self.on_vertebra(vertebra)
        return centre

    def _settle(self, state: TraversalState, centre: np.ndarray, network: Callable) -> tuple[Answer | None, int, np.ndarray]:
        """Centre the patch on the fragment until it moves no more; past ``max_steps`` on the mean of the last two centres."""
        previous = centre
        for step in range(1, self.max_steps):
            (answer,) = self._ask(state, [centre], network)
            if answer is None:
                return None, step, centre
            target = np.clip((answer.low + answer.high) // 2, 0, np.array(state.volume.shape) - 1)
            if np.abs(target - centre).max() <= SETTLED:
                return answer, step, centre
            previous, centre = centre, target
        centre = np.round((previous + centre) / 2).astype(int)
        return self._ask(state, [centre], network)[0], self.max_steps, centre

    def _ask(self, state: TraversalState, centres: Sequence[np.ndarray], network: Callable) -> list[Answer | None]:
        """Run the network on the patches around some centres.

        None stands where there is too little bone, and where there is no new fragment of the least size.
        """
        corners = [centre - self.patch // 2 for centre in centres]
        bony = [state.bone.count(corner, self.patch) >= self.min_bone_voxels for corner in corners]
        self.counts.skipped += bony.count(False)
        room = max(0, self.max_patches - self.counts.patches)
        asked = [index for index, enough in enumerate(bony) if enough][:room]
        answers: list[Answer | None] = [None] * len(centres)
        if not asked:
            return answers
        patches = torch.stack([self._patch(state, corners[index]) for index in asked])
        began = time.perf_counter()
        device = state.volume.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.bfloat16 and has_bfloat16(device)):
            outputs = network(patches.contiguous(memory_format=torch.channels_last_3d)).float().cpu()
        self.counts.network_seconds += time.perf_counter() - began
        self.counts.patches += len(asked)
        for index, output in zip(asked, outputs, strict=True):
            answers[index] = self._read(state, corners[index], output)
        return answers

    def _patch(self, state: TraversalState, corner: np.ndarray) -> torch.Tensor:
        """Return CT and memory at a corner, ``(2, patch, patch, patch)``."""
        ct = crop(state.volume, corner, [self.patch] * 3, self.outside)
        memory = crop(state.probability, corner, [self.patch] * 3, 0.0) >= self.threshold
        return torch.stack([ct, torch.from_numpy(memory).to(ct)])

    def _read(self, state: TraversalState, corner: np.ndarray, output: torch.Tensor) -> Answer | None:
        """Return the largest new fragment of an answer with what the network says of it."""
        if not bool(torch.isfinite(output).all()):
            self.counts.not_finite += 1
            return None
        probability = output[0].sigmoid().numpy()
        free = crop(state.probability, corner, [self.patch] * 3, 1.0) < self.threshold
        fragment, size = largest_piece((probability >= self.threshold) & free)
        if not size or size * 16 < self.min_voxels:
            return None
        box = tuple(slice(part.start + int(c), part.stop + int(c)) for part, c in zip(box_of(fragment), corner, strict=True))
        if size < self.min_voxels and not touches_border(box, state.volume.shape):
            return None
        low, high = (np.array([getattr(part, end) for part in box]) for end in ("start", "stop"))
        scalars = output[1:, 0, 0, 0]
        estimate = float(scalars[1]) if len(scalars) > 1 else None
        return Answer(corner, probability, fragment, low, high, size, float(scalars[0].sigmoid()), estimate)

    def _number(self, state: TraversalState) -> list[Instance]:
        """Return the instances of the spine from top to bottom, numbered, without the incomplete ones where these are dropped."""
        spine = one_spine(state.found, MARGIN / self.spacing, REACH / self.spacing)
        spine.sort(key=lambda instance: -instance.centre[2])
        estimates = [i.vertebra.estimate if i.vertebra.estimate is not None else float("nan") for i in spine]
        complete = [i.vertebra.complete for i in spine]
        length = length_of_spine(estimates, complete)
        spine, estimates, complete = spine[:length], estimates[:length], complete[:length]
        ends = [self._bone_beyond(state, spine, up) for up in (True, False)]
        for instance, number in zip(spine, number_sequence(estimates, complete, *ends), strict=True):
            instance.vertebra.number = number
            name = VERTEBRA_NAMES.get(number, str(number))
            logger.debug("%s: completeness %.2f, %d patches", name, instance.vertebra.completeness, instance.vertebra.steps)
        return [instance for instance in spine if instance.vertebra.complete or self.keep_incomplete]

    def _bone_beyond(self, state: TraversalState, spine: list[Instance], up: bool) -> bool:
        """Tell whether the scan goes on beyond the end of the spine and shows bone there: the skull, or the sacrum."""
        if not spine:
            return False
        end = spine[0] if up else spine[-1]
        room = state.volume.shape[2] - end.high[2] if up else end.low[2]
        if room * self.spacing < BEYOND:
            return False
        size = round(2 * BEYOND / self.spacing)
        corner = np.round(end.centre - size / 2).astype(int)
        corner[2] = end.high[2] if up else end.low[2] - size
        return state.bone.count(corner, size) * self.spacing**3 >= BONE_BEYOND
