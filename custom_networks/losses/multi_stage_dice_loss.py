"""Dice loss of a cascade."""

from collections.abc import Sequence

import torch
from monai.losses import DiceLoss
from torch import nn


class MultiStageDiceLoss(nn.Module):
    """Sum of a soft Dice loss of every stage, each over the foreground with squared terms in the denominator.

    Each stage gives ``1 - mean Dice``, so two stages give 2 at worst.

    Args:
        smooth: added to numerator and denominator.
        batch: whether Dice is taken over the batch at once, which is steadier where slices lack a class.

    Shape:
        input: logits ``(B, C, H, W)``, one tensor or one a stage; target: labels ``(B, 1, H, W)``.

    Reference:
        Milletari, Navab, Ahmadi: V-Net. arXiv:1606.04797, 2016.
    """

    def __init__(self, smooth: float = 1e-5, batch: bool = False) -> None:
        super().__init__()
        self.dice = DiceLoss(
            include_background=False,
            to_onehot_y=True,
            softmax=True,
            squared_pred=True,
            smooth_nr=smooth,
            smooth_dr=smooth,
            batch=batch,
        )

    def forward(self, stages: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        stages = [stages] if isinstance(stages, torch.Tensor) else stages
        return sum(self.dice(stage.float(), target) for stage in stages)
