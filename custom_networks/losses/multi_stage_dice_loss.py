"""Dice loss of a cascade."""

from collections.abc import Mapping, Sequence

import torch
from monai.losses import DiceCELoss
from torch import nn

from .partial_labels import PartialLabels


class MultiStageDiceLoss(nn.Module):
    """Sum of a soft Dice loss of every stage, each over the foreground with squared terms in the denominator.

    Each stage gives ``1 - mean Dice``, so two stages give 2 at worst.

    Args:
        smooth: added to numerator and denominator.
        batch: whether Dice is taken over the batch at once, which is steadier where slices lack a class.
        cross_entropy: weight of a cross entropy that every stage adds, 0 in the paper; it speeds up the first epochs.
        num_classes: classes, background included; needed with ``allowed`` alone.
        allowed: labels that stand for one of several classes, see `PartialLabels`.

    Shape:
        input: logits ``(B, C, H, W)``, one tensor or one a stage; target: labels ``(B, 1, H, W)``.

    Reference:
        Milletari, Navab, Ahmadi: V-Net. arXiv:1606.04797, 2016.
    """

    def __init__(
        self,
        smooth: float = 1e-5,
        batch: bool = False,
        cross_entropy: float = 0.0,
        num_classes: int | None = None,
        allowed: Mapping[str | int, Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        self.stage: nn.Module = DiceCELoss(
            include_background=False,
            to_onehot_y=not allowed,
            softmax=True,
            squared_pred=True,
            smooth_nr=smooth,
            smooth_dr=smooth,
            batch=batch,
            lambda_ce=cross_entropy,
        )
        if allowed:
            self.stage = PartialLabels(self.stage, num_classes, allowed)

    def forward(self, stages: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        stages = [stages] if isinstance(stages, torch.Tensor) else stages
        return sum(self.stage(stage.float(), target) for stage in stages)
