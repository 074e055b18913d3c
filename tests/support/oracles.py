"""Networks that know the answer, or never give a sensible one."""

import numpy as np
import torch

BASE, STEP = 0.3, 0.02  # an oracle reads the instance from the intensity


def encode(labels: np.ndarray, base: float = BASE, step: float = STEP) -> torch.Tensor:
    return torch.from_numpy(np.where(labels > 0, base + step * labels, -0.05).astype(np.float32))[None, None]


class Oracle(torch.nn.Module):
    """Answers with the first vertebra, along the traversal, of which the memory lacks more than half."""

    base, step = BASE, STEP

    def __init__(self, labels: np.ndarray, direction: str = "down", estimates: dict[int, float] | None = None) -> None:
        super().__init__()
        heights = {n: np.argwhere(labels == n)[:, 2].mean() for n in np.unique(labels) if n}
        self.sizes = {n: np.count_nonzero(labels == n) for n in heights}
        self.down = direction == "down"
        self.order = sorted(heights, key=heights.get, reverse=self.down)
        self.estimates = estimates or {}

    def read(self, patch: torch.Tensor) -> torch.Tensor:
        return torch.where(patch[0, 0] > 0.2, ((patch[0, 0] - self.base) / self.step).round(), 0)

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        numbers = self.read(patch)
        output = torch.full((1, 3, *patch.shape[2:]), -10.0)
        for n in self.order:
            visible = numbers == n
            new = visible & (patch[0, 1] < 0.5)
            if new.sum() > visible.sum() / 2:
                output[0, 0][visible] = 10.0
                output[0, 1] = 10.0 if visible.sum() == self.sizes[n] else -10.0
                output[0, 2] = self.estimates.get(int(n), float(n))
                break
        return output


class KnowsUpright(Oracle):
    """Knows the numbers of bodies that stand head up alone; of others it says the same everywhere."""

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output = super().forward(patch)
        numbers = torch.where(patch[0, 0] > 0.2, ((patch[0, 0] - BASE) / STEP).round(), 0)
        seen = [int(n) for n in numbers.unique() if n]
        heights = [(numbers == n).nonzero()[:, 2].float().mean() for n in (seen[0], seen[-1])] if seen else [1, 0]
        if heights[0] < heights[1]:
            output[0, 2] = 21.0
        return output


class SeesUpright(Oracle):
    """Sees bodies that stand head up alone, where two vertebrae or more tell it that they do."""

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output = super().forward(patch)
        numbers = torch.where(patch[0, 0] > 0.2, ((patch[0, 0] - BASE) / STEP).round(), 0)
        heights = [(numbers == n).nonzero()[:, 2].float().mean() for n in numbers.unique() if n]
        if heights and heights[0] < heights[-1]:
            output[0, 0] = -10.0
        return output


class DoubtsEnds(Oracle):
    """Misses the front half of the first vertebra, and is less sure of the rest, where a patch shows that the scan ends.

    With ``needs_end`` it does where the patch shows no end.
    """

    def __init__(self, labels: np.ndarray, direction: str = "down", needs_end: bool = False) -> None:
        super().__init__(labels, direction)
        self.needs_end = needs_end

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output = super().forward(patch)
        beyond = (patch[0, 0, :, :, [-1, 0]] <= -1.0).all(0).all(0)
        if bool(beyond[0 if self.down else 1]) != self.needs_end and not (patch[0, 1] >= 0.5).any():
            inside = (output[0, 0] > 0).nonzero()
            if len(inside):
                output[0, 0, :, int(inside[:, 1].float().mean()) :] = -10.0
                output[0, 0].clamp_(max=2.0)
        return output


class FooledByContrast(Oracle):
    """Errs where a patch shows contrast medium brighter than bone: takes a vertebra and the next one for one, or half of it.

    Args:
        at: number of the vertebra.
        halves: whether it finds the upper half of it.
    """

    base, step, vessel = 0.21, 0.001, 0.4  # of `encode`; a vessel's intensity

    def __init__(self, labels: np.ndarray, at: int, halves: bool = False) -> None:
        super().__init__(labels)
        self.at, self.halves = at, halves

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output, numbers = super().forward(patch), self.read(patch)
        found = output[0, 0] > 0
        if (patch[0, 0] > 0.3).any() and (numbers[found] == self.at).any():
            if self.halves:
                output[0, 0, :, :, : int(found.nonzero()[:, 2].float().mean())] = -10.0
            else:
                output[0, 0][numbers == self.at + 1] = 10.0
        return output


class MisreadsWithoutEnd(Oracle):
    """Tells numbers in reverse order, and is very sure of its masks, where a patch does not show that the scan ends."""

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output = super().forward(patch)
        beyond = (patch[0, 0, :, :, [-1, 0]] <= -1.0).all(0).all(0)
        if bool(beyond[0 if self.down else 1]):
            output[0, 0].clamp_(max=4.0)
        else:
            output[0, 2] = min(self.order) + max(self.order) - output[0, 2]
        return output


class Constant(torch.nn.Module):
    """Gives one logit everywhere."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit, self.calls = logit, 0

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.full((1, 3, *patch.shape[2:]), self.logit)


class Oscillating(Constant):
    """Fires now at one end of the patch, now at the other, so that the centre never settles."""

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        output = torch.full((1, 3, *patch.shape[2:]), -10.0)
        half = patch.shape[2] // 2
        output[0, 0, :half] = 10.0 if self.calls % 2 else -10.0
        output[0, 0, half:] = -10.0 if self.calls % 2 else 10.0
        return output
