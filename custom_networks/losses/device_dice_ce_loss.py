"""MONAI's Dice and cross entropy, on whatever device the logits are."""

import torch
from monai.losses import DiceCELoss


class DeviceDiceCELoss(DiceCELoss):
    """``DiceCELoss`` whose class weights follow the logits from device to device; MONAI's stay where they were made."""

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.to(input.device)
        return super().forward(input, target)
