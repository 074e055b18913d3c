"""Progress of patch training: Dice, completeness, label."""

import torch
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce

NAMES = ("patch_dice", "completeness_accuracy", "label_error")


class VertebraProgress(Metric):
    """Dice over all voxels of an epoch's patches, accuracy of completeness, mean absolute error of the label in vertebrae.

    ``update`` takes the network's output and the target of `IterativeInstanceLoss`; the epoch's values stand in
    ``engine.state.metrics`` under `NAMES`. Patches with nothing to segment count for the Dice alone.

    Args:
        output_transform: from the engine's output to ``(pred, label)``, tensors or lists of them.
        device: where sums are kept.
    """

    @reinit__is_reduced
    def reset(self) -> None:
        self._sums = torch.zeros(5, device=self._device)  # intersection, both, right, error, known

    @reinit__is_reduced
    def update(self, output) -> None:
        pred, label = (part if isinstance(part, torch.Tensor) else torch.stack(list(part)) for part in output)
        mask, truth = pred[:, 0] > 0, label[:, 0] > 0.5
        complete, number = label[:, 2, 0, 0, 0], label[:, 3, 0, 0, 0]
        known = (complete >= 0).float()
        right = (pred[:, 1, 0, 0, 0] > 0) == (complete > 0.5)
        error = (pred[:, 2, 0, 0, 0] - number).abs() if pred.shape[1] > 2 else torch.zeros_like(known)
        counts = (2 * (mask & truth).sum(), mask.sum() + truth.sum(), (right * known).sum(), (error * known).sum(), known.sum())
        self._sums += torch.stack([count.float() for count in counts]).to(self._device)  # one wait for the device

    @sync_all_reduce("_sums")
    def compute(self) -> dict[str, float]:
        twice, both, right, error, known = self._sums.tolist()
        return dict(zip(NAMES, (twice / max(both, 1), right / max(known, 1), error / max(known, 1)), strict=True))
