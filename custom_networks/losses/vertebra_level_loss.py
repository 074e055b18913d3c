"""Loss of the network that tells which vertebra an instance is."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ..vertebrae.identified import COUNT
from ..vertebrae.kinds import UNKNOWN


class VertebraLevelLoss(nn.Module):
    """Cross entropy of the number, and of the kind.

    The number counts where there is one, the kind where it is known.

    Args:
        kind: weight of the kind.
        smoothing: see `torch.nn.CrossEntropyLoss`; answers that are never quite certain are what a search over all can use.

    Shape:
        input ``(B, instances, 40)`` as `VertebraLevelNet` gives it, target ``(B, instances, 2)``, integers, as `PrepareLevelBatch`
        gives them; the output is one number.
    """

    def __init__(self, kind: float = 1.0, smoothing: float = 0.05) -> None:
        super().__init__()
        self.kind, self.smoothing = kind, smoothing

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        input, (number, kind) = input.flatten(0, -2), target.flatten(0, -2).T
        parts = ((1.0, input[:, :COUNT], number - 1, number > 0), (self.kind, input[:, COUNT:], kind, kind != UNKNOWN))
        loss = input.sum() * 0
        for weight, logits, wanted, known in parts:
            if bool(known.any()):
                loss = loss + weight * cross_entropy(logits[known], wanted[known], label_smoothing=self.smoothing)
        return loss
