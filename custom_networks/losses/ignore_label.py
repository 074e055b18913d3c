"""Leave voxels of one label out of a loss."""

import torch
from torch import nn


class IgnoreLabel(nn.Module):
    """Wrap a loss; where the target has a given label, prediction and target agree on background and nothing is learned.

    Args:
        loss: of logits ``(B, C, ...)`` and labels ``(B, 1, ...)``.
        label: such as 2, other pathology, in WMH 2017.
    """

    def __init__(self, loss: nn.Module, label: int = 2) -> None:
        super().__init__()
        self.loss, self.label = loss, label

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        ignored = target == self.label
        background = torch.full_like(logits, -20.0)
        background[:, 0] = 20.0
        return self.loss(torch.where(ignored, background, logits), torch.where(ignored, 0, target))
