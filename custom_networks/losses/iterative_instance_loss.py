"""Loss of iterative instance segmentation: voxels, completeness, number."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class IterativeInstanceLoss(nn.Module):
    """Weighted soft errors of the segmentation, cross entropy of completeness, absolute error of the label.

    With probability p, target t and weights w of the voxels the segmentation's part is
    ``(false_positive * sum(w (1 - t) p) + sum(w t (1 - p))) / (typical_share * voxels)``, so that its size does not depend on the
    patch's. Completeness and label count only where there is a target.

    Args:
        false_positive: weight of false positives against false negatives; the paper's lambda of 0.1.
        typical_share: share of the voxels that a target fills, for the normalisation.
        cross_entropy: weight of a voxelwise cross entropy with the same weights w; 0 as in the paper. It speeds the start up.
        completeness: weight of the completeness.
        label: weight of the absolute error of the label, in vertebrae.

    Shape:
        input ``(B, 2 or 3, ...)`` as `IterativeFCN` gives it, target ``(B, 4, ...)`` as `VertebraTargetsd` gives it; the output is
        one number.

    Reference:
        Lessmann et al., Medical Image Analysis 53:142-155, 2019, section 2.4.
    """

    def __init__(
        self,
        false_positive: float = 0.1,
        typical_share: float = 0.02,
        cross_entropy: float = 0.0,
        completeness: float = 1.0,
        label: float = 0.1,
    ) -> None:
        super().__init__()
        self.false_positive, self.typical_share, self.cross_entropy = false_positive, typical_share, cross_entropy
        self.completeness, self.label = completeness, label

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        truth, weights = target[:, 0], target[:, 1]
        logits = input[:, 0]
        probability = logits.sigmoid()
        false_positives = (weights * (1 - truth) * probability).sum()
        false_negatives = (weights * truth * (1 - probability)).sum()
        loss = (self.false_positive * false_positives + false_negatives) / (self.typical_share * truth.numel())
        if self.cross_entropy:
            entropy = binary_cross_entropy_with_logits(logits, truth, weights, reduction="sum")
            loss = loss + self.cross_entropy * entropy / (self.typical_share * truth.numel())
        complete, number = target[:, 2, 0, 0, 0], target[:, 3, 0, 0, 0]
        known = complete >= 0
        if bool(known.any()):
            loss = loss + self.completeness * binary_cross_entropy_with_logits(input[known, 1, 0, 0, 0], complete[known])
            if input.shape[1] > 2:
                loss = loss + self.label * (input[known, 2, 0, 0, 0] - number[known]).abs().mean()
        return loss
