"""Go through a scan, window by window, and from each vertebra along the spine."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ..geometry.regions import overlap
from ..inferers.window_batch import windows_at_once
from ..progress import tell_progress
from .names import FIRST, level_of
from .patches import PLAIN, SOFT, Look, PatchReader
from .settings import Levels, TraversalSettings
from .traversal import SLIVER, Answer, FoundVertebra, Instance, TraversalState, forget_instance, spread, write_instance

SETTLED = 2  # voxels that the centre of a patch may move and still count as found
TRUSTED = 3  # complete vertebrae from which on a trail counts as the spine
LOWEST = 23.0  # estimate from which on the last complete vertebra of a trail may be the lowest: below lies the sacrum
ASIDE = 70.0  # mm from the spine, from which on another one may stand
# Times the vertebra before it, from which on one may be two that grew together, and times the first one, from which on that may be
# a part of one. Neighbours that were found whole in phantoms for validation differ by 1.22 at the most, but for C7 and T1 (1.42).
GREW, FIRST_GREW = 1.3, 1.6
SAME = 0.8  # share of a mask inside another, from which on it is a part of it
BEYOND_LEVELS = 2  # complete vertebrae beyond the levels asked for, with which numbers are surer, before the search ends


class SpineSearch:
    """Find the vertebrae of one scan.

    Args:
        state: of a traversal that begins; it holds what was found afterwards.
        network: see `PatchReader`.
        settings: of the traversal.
        levels: vertebrae that are wanted; beyond them the search ends early. None wants all.
        shows_end: whether patches may show where a scan lower than a patch ends before its first vertebra.
    """

    def __init__(
        self,
        state: TraversalState,
        network: Callable[[torch.Tensor], torch.Tensor],
        settings: TraversalSettings,
        levels: Levels | None = None,
        shows_end: bool = False,
    ) -> None:
        self.state, self.settings, self.levels, self.shows_end = state, settings, levels, shows_end
        self.reader = PatchReader(state, network, settings)
        self.trails = 0

    def run(self) -> None:
        """Go through the windows; from each vertebra follow its trail.

        A trail of complete vertebrae is the spine, and the search goes on below it. After any other the windows beside it are
        searched too, so that something that only looks like a vertebra does not hide the spine.
        """
        windows = self._windows()
        index = 0
        while self._has_room() and not self._is_beyond_levels():
            tell_progress(index, len(windows))
            index = self._next_window(windows, index)
            if index == len(windows):
                break
            trail, last = self._follow_from(windows[index])
            if _complete(trail) >= TRUSTED:
                self._look_beside(trail)
                if self._ends_spine(trail):
                    break
                windows, index = self._beyond(windows[index + 1 :], last), 0
            else:
                index += 1

    def _has_room(self) -> bool:
        return len(self.state.found) < self.settings.max_vertebrae

    def _is_beyond_levels(self) -> bool:
        """Tell whether the last complete vertebrae lie beyond the levels that are wanted."""
        if self.levels is None:
            return False
        found = [instance.vertebra for instance in self.state.found if instance.vertebra.complete][-BEYOND_LEVELS:]
        end = level_of(self.levels.last if self.settings.down > 0 else self.levels.first)
        beyond = [v.estimate is not None and (v.estimate - end) * self.settings.down > 0.5 for v in found]
        return len(beyond) == BEYOND_LEVELS and all(beyond)

    def _ends_spine(self, trail: list[Instance]) -> bool:
        """Tell whether a trail went all the way: down to the lowest lumbar vertebra, or up to the first cervical one."""
        estimates = [i.vertebra.estimate for i in trail if i.vertebra.complete and i.vertebra.estimate is not None]
        return bool(estimates) and (estimates[-1] > LOWEST if self.settings.down > 0 else estimates[-1] < FIRST + 1)

    def _windows(self) -> list[np.ndarray]:
        """Return centres half a patch apart, level by level; within a level those nearest to the scan's axis first."""
        axes = [spread(n, self.settings.patch // 2) for n in self.state.shape]
        middle = self.state.shape[:2] / 2
        columns = sorted(
            (np.array([x, y]) for x in axes[0] for y in axes[1]), key=lambda column: (np.hypot(*(column - middle)), *column)
        )
        windows = [self._inside(np.append(column, z)) for z in axes[2][:: -self.settings.down] for column in columns]
        return list({tuple(window): window for window in windows}.values())  # where the search begins two levels may be one

    def _next_window(self, windows: list[np.ndarray], index: int) -> int:
        """Return the first window from ``index`` on that is worth a look: in batches, the first in which there is a fragment."""
        together = windows_at_once(self.state.volume.device, self.settings.window_batch)
        if together == 1:
            return index
        while index < len(windows):
            batch = windows[index : index + together]
            for offset, answer in enumerate(self.reader.ask(batch)):
                if answer is not None:
                    return index + offset
            index += len(batch)
        return len(windows)

    def _follow_from(self, start: np.ndarray) -> tuple[list[Instance], np.ndarray | None]:
        """Return the vertebrae of the trail that begins at a window, and the last patch's centre."""
        first = len(self.state.found)
        self.trails += 1
        centre = last = self._write_next(start)
        while centre is not None and self._has_room() and not self._is_lost(first) and not self._is_beyond_levels():
            last = centre
            centre = self._write_below(last)
            if len(self.state.found) == first + 2:
                self._mend(first)
        return self.state.found[first:], last

    def _mend(self, first: int) -> None:
        """Look again at a trail's first vertebra where it may be a part of one, by what was found next; take the larger mask."""
        one, following = self.state.found[first : first + 2]
        if self._is_cut(one) or self._is_cut(following) or following.size < FIRST_GREW * one.size:
            return
        looks = [self._settle(np.round(one.centre).astype(int), replace(SOFT, alone=one), ends) for ends in (False, True)]
        larger = [look for look in looks if look[0] and one.size < look[0].size <= following.size and self._holds(look[0], one)]
        if larger:
            answer, steps, _ = max(larger, key=lambda look: look[0].size)
            forget_instance(self.state, one)
            self.state.found[first] = self._written(answer, steps, one.owner)

    def _is_cut(self, instance: Instance) -> bool:
        """Tell whether the upper or lower end of the scan may cut an instance, which makes it smaller than its neighbours."""
        return bool(instance.low[2] <= 0 or instance.high[2] >= self.state.shape[2])

    def _holds(self, answer: Answer, instance: Instance) -> bool:
        """Tell whether a fragment holds nearly all of an instance."""
        there, inside = overlap(answer.corner, answer.fragment.shape, self.state.shape)
        its = (self.state.owner[there] == instance.owner) & (self.state.probability[there] >= self.settings.threshold)
        return int(its.cpu().numpy()[answer.fragment[inside]].sum()) >= SAME * instance.size

    def _is_lost(self, first: int) -> bool:
        """Tell whether the last instances are inside the scan and yet incomplete: then there is no spine."""
        latest = self.state.found[first:][-self.settings.max_doubtful :]
        doubtful = [not i.vertebra.complete and not i.cut for i in latest]
        return len(doubtful) == self.settings.max_doubtful and all(doubtful)

    def _write_below(self, centre: np.ndarray) -> np.ndarray | None:
        """Look for the next vertebra where the last one was found, then half a patch further on."""
        step = np.array([0, 0, -self.settings.down * (self.settings.patch // 4)])
        height = float(self.state.shape[2])
        tell_progress(height - centre[2] if self.settings.down > 0 else centre[2], height)
        for place in (centre, centre + step, centre + 2 * step):
            following = self._write_next(place)
            if following is not None:
                return following
        return None

    def _beyond(self, windows: list[np.ndarray], last: np.ndarray) -> list[np.ndarray]:
        """Return the windows whose patches reach beyond the last vertebra of the spine and are not far aside of it."""
        half = self.settings.patch // 2
        return [
            window for window in windows
            if (last[2] - window[2]) * self.settings.down > -half // 2 and np.abs(last - window)[:2].max() <= half
        ]  # fmt: skip

    def _look_beside(self, spine: list[Instance]) -> None:
        """Look for a second spine: follow what looks like a complete vertebra beside the middle of the first."""
        middle = spine[len(spine) // 2].centre
        step = self.settings.patch // 2
        places = [
            np.array([x, y, round(middle[2])]) for x in spread(self.state.shape[0], step) for y in spread(self.state.shape[1], step)
        ]
        for place in places:
            if np.abs(place - middle)[:2].max() * self.settings.spacing < ASIDE or not self._has_room():
                continue
            answer, _, centre = self._settle(place)
            aside = np.abs(centre - middle)[:2].max() * self.settings.spacing >= ASIDE
            if answer is not None and aside and answer.completeness > 0.5 and answer.size >= self.settings.min_voxels:
                self._follow_from(np.array([*centre[:2], self._end_of(spine)]))

    def _end_of(self, spine: list[Instance]) -> int:
        """Return the height at which a trail beside this one would begin."""
        heights = [round(instance.centre[2]) for instance in spine]
        return max(heights) if self.settings.down > 0 else min(heights)

    def _write_next(self, start: np.ndarray) -> np.ndarray | None:
        """Find a vertebra from a starting centre and write it; return its centre, or None where there is none."""
        state, settings = self.state, self.settings
        answer, steps, centre = self._settle(np.round(start).astype(int))
        while answer is not None and answer.size < settings.min_voxels and state.slivers < settings.max_vertebrae:
            state.slivers += 1
            write_instance(state, answer, SLIVER, settings.threshold)
            answer, steps, centre = self._settle(np.round(start).astype(int))
        if answer is None or answer.size < settings.min_voxels:
            return None
        answer, steps, centre = self._parted(answer, steps, centre, start)
        state.found.append(self._written(answer, steps, len(state.found) + 1))
        return centre

    def _written(self, answer: Answer, steps: int, owner: int) -> Instance:
        """Write an answer and return it as an instance of the trail under way."""
        certainty = round(write_instance(self.state, answer, owner, self.settings.threshold), 4)
        completeness = round(answer.completeness, 4)
        vertebra = FoundVertebra(owner, answer.completeness > 0.5, completeness, answer.estimate, steps, certainty=certainty)
        return Instance(vertebra, owner, self.trails, answer.low, answer.high, answer.centroid, answer.size, answer.cut)

    def _parted(self, answer: Answer, steps: int, centre: np.ndarray, start: np.ndarray) -> tuple[Answer, int, np.ndarray]:
        """Look again at what may be two vertebrae that grew together, by the one before, and take a part that fits it better.

        Where contrast medium fills a vessel beside pale vertebrae the network may not see where one ends.
        """
        before = self.state.found[-1] if self.state.found else None
        if before is None or before.trail != self.trails or self._is_cut(before) or answer.size < GREW * before.size:
            return answer, steps, centre
        part, more, there = self._settle(np.round(start).astype(int), SOFT)
        fits = part is not None and before.size / GREW < part.size < GREW * before.size
        return (part, steps + more, there) if fits and _is_part(part, answer) else (answer, steps, centre)

    def _inside(self, centre: np.ndarray) -> np.ndarray:
        """Move a patch that reaches beyond the end of the scan where the search begins, so that it ends there.

        The border leaves the spinous process of another vertebra beside that of the first. The memory is empty there, and where
        the network sees the scan end, it takes neither for the first vertebra's. Of a scan lower than a patch the other end alone
        stays in view, to which the search comes when the memory holds vertebrae; with ``shows_end`` its patches stay.
        """
        half, height, moved = self.settings.patch // 2, int(self.state.shape[2]), centre.copy()
        if height >= 2 * half or not self.shows_end:
            moved[2] = min(centre[2], height - half) if self.settings.down > 0 else max(centre[2], half)
        return moved

    def _settle(self, centre: np.ndarray, look: Look = PLAIN, beyond: bool = False) -> tuple[Answer | None, int, np.ndarray]:
        """Centre the patch on the fragment until it moves no more; past ``max_steps`` on the mean of the last two centres.

        With ``beyond`` it may show where the scan ends.
        """
        inside = np.copy if beyond else self._inside
        previous = centre = inside(centre)
        for step in range(1, self.settings.max_steps):
            (answer,) = self.reader.ask([centre], look)
            if answer is None:
                return None, step, centre
            target = inside(np.clip((answer.low + answer.high) // 2, 0, self.state.shape - 1))
            if np.abs(target - centre).max() <= SETTLED:
                return answer, step, centre
            previous, centre = centre, target
        centre = np.round((previous + centre) / 2).astype(int)
        return self.reader.ask([centre], look)[0], self.settings.max_steps, centre


def _is_part(part: Answer, whole: Answer) -> bool:
    """Tell whether nearly all of a fragment lies in another."""
    there, inside = overlap(part.corner - whole.corner, part.fragment.shape, whole.fragment.shape)
    return np.count_nonzero(whole.fragment[there] & part.fragment[inside]) >= SAME * part.size


def _complete(trail: list[Instance]) -> int:
    return sum(instance.vertebra.complete for instance in trail)
