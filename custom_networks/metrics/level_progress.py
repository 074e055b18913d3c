"""Progress of the training of levels."""

import torch
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce

from ..vertebrae.identified import COUNT
from ..vertebrae.kinds import UNKNOWN

NAMES = ("number_accuracy", "kind_accuracy")


class LevelProgress(Metric):
    """Share of an epoch's instances whose number, and whose kind, is the likeliest one; where these are known.

    ``update`` takes the network's output and the target of `VertebraLevelLoss`; the values stand in ``engine.state.metrics``.

    Args:
        output_transform: from the engine's output to ``(pred, label)``, tensors or lists of them.
        device: where sums are kept.
    """

    @reinit__is_reduced
    def reset(self) -> None:
        self._sums = torch.zeros(4, device=self._device)  # right and known numbers, right and known kinds

    @reinit__is_reduced
    def update(self, output) -> None:
        for pred, target in zip(*output, strict=True):
            number, kind = target.T
            known = torch.stack([number > 0, kind != UNKNOWN])
            right = torch.stack([pred[:, :COUNT].argmax(1) + 1 == number, pred[:, COUNT:].argmax(1) == kind])
            self._sums += torch.stack([right & known, known], 1).sum(2).flatten().to(self._sums)

    @sync_all_reduce("_sums")
    def compute(self) -> dict[str, float]:
        right, known, right_kind, known_kind = self._sums.tolist()
        return dict(zip(NAMES, (right / max(known, 1), right_kind / max(known_kind, 1)), strict=True))
