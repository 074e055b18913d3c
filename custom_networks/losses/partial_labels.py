"""Learn from pictures on which some structures were not drawn."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from ..metrics.partial import allowed_classes


class PartialLabels(nn.Module):
    """Let a label stand for one of several classes; which of them is left to the network.

    The target of a pixel is spread over the classes that its label allows, as the network's own probabilities are, and of these
    probabilities only their sum is learned: with cross entropy this gives exactly the gradient of ``-log`` of the sum. Were each
    learned, a Dice loss without background would count an undecided pixel as a hit of every structure that it may be, and these
    would grow until they fill what is undecided. Labels of one class are learned as always.

    Args:
        loss: of logits and probabilities, both ``(B, C, H, W)``.
        num_classes: classes, background included.
        allowed: label beyond the classes to the classes that it may be.

    Shape:
        input: logits ``(B, num_classes, H, W)``; target: labels ``(B, 1, H, W)``.

    Reference:
        Shi et al.: Marginal loss and exclusion loss for partially supervised multi-organ segmentation. Medical Image Analysis 70,
        2021.
    """

    def __init__(self, loss: nn.Module, num_classes: int, allowed: Mapping[str | int, Sequence[int]] | None = None) -> None:
        super().__init__()
        self.loss, self.table = loss, allowed_classes(num_classes, allowed)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.table = self.table.to(logits.device)
        possible = self.table[target[:, 0].long()].movedim(-1, 1)
        known = torch.log_softmax(logits.float(), dim=1)
        allowed = known.masked_fill(~possible, -torch.inf)
        together = torch.logsumexp(allowed, dim=1, keepdim=True)
        share = (allowed - together).detach()
        return self.loss(torch.where(possible, share + together, known), share.exp())
