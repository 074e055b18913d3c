"""Several networks as one."""

from collections.abc import Sequence

import torch
from torch import nn


class MeanNetwork(nn.Module):
    """Give the mean of what several networks answer, which errs less than each where they err in different places.

    Args:
        members: networks whose answers have one shape.

    Raises:
        ValueError: when there is none.

    Reference:
        Lakshminarayanan, Pritzel, Blundell: Simple and scalable predictive uncertainty estimation using deep ensembles. NeurIPS
        2017.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        if not members:
            raise ValueError("a mean needs at least one network.")
        self.members = nn.ModuleList(members)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        answers = [member(image) for member in self.members]
        return torch.stack(answers).mean(0)
