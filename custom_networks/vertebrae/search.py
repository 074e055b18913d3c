"""Go through a scan, window by window, and from each vertebra along the spine."""

from collections.abc import Callable

import numpy as np
import torch

from ..inferers.window_batch import windows_at_once
from ..progress import tell_progress
from .names import FIRST, level_of
from .patches import PatchReader
from .settings import Levels, TraversalSettings
from .traversal import SLIVER, Answer, FoundVertebra, Instance, TraversalState, spread, write_instance

SETTLED = 2  # voxels that the centre of a patch may move and still count as found
TRUSTED = 3  # complete vertebrae from which on a trail counts as the spine
LOWEST = 23.0  # estimate from which on the last complete vertebra of a trail may be the lowest: below lies the sacrum
ASIDE = 70.0  # mm from the spine, from which on another one may stand
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
        return self.state.found[first:], last

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
        index = len(state.found) + 1
        certainty = write_instance(state, answer, index, settings.threshold)
        vertebra = FoundVertebra(
            index, answer.completeness > 0.5, round(answer.completeness, 4), answer.estimate, steps, certainty=round(certainty, 4)
        )
        state.found.append(
            Instance(vertebra, index, self.trails, answer.low, answer.high, answer.centroid, answer.size, answer.cut)
        )
        return centre

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

    def _settle(self, centre: np.ndarray) -> tuple[Answer | None, int, np.ndarray]:
        """Centre the patch on the fragment until it moves no more; past ``max_steps`` on the mean of the last two centres."""
        previous = centre = self._inside(centre)
        for step in range(1, self.settings.max_steps):
            (answer,) = self.reader.ask([centre])
            if answer is None:
                return None, step, centre
            target = self._inside(np.clip((answer.low + answer.high) // 2, 0, self.state.shape - 1))
            if np.abs(target - centre).max() <= SETTLED:
                return answer, step, centre
            previous, centre = centre, target
        centre = np.round((previous + centre) / 2).astype(int)
        return self.reader.ask([centre])[0], self.settings.max_steps, centre


def _complete(trail: list[Instance]) -> int:
    return sum(instance.vertebra.complete for instance in trail)
