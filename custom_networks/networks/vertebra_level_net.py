"""Network that tells which vertebra each instance of a crop is."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import avg_pool3d, interpolate, one_hot

from ..vertebrae.identified import COUNT
from ..vertebrae.kinds import KINDS

STRIDE = 4  # of the maps that instances are read from


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions with batch normalisation, and what went in."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*convolution(filters, filters), nn.Conv3d(filters, filters, 3, padding=1, bias=False))
        self.norm, self.activation = nn.BatchNorm3d(filters), nn.ReLU()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.activation(maps + self.norm(self.layers(maps)))


class VertebraLevelNet(nn.Module):
    """Tell number and kind of all instances of a crop at once.

    Maps of a quarter and an eighth of the crop's resolution are averaged inside each instance; a convolution over the instances,
    from top to bottom, sees each beside its neighbours. As all instances of a crop are answered, each crop teaches as many do.
    650,168 parameters by default.

    Args:
        filters: of maps at a half, a quarter and an eighth of the resolution.
        instances: most in a crop.

    Shape:
        input ``(B, 2, X, Y, Z)``: CT in kHU, and the index of the instance of each voxel, 0 for none, others from 1 on from top to
        bottom; sides are multiples of 8. Output ``(B, instances, 40)``: logits of VerSe's numbers 1 to 28, then of `KINDS`; those
        of instances that are not there mean nothing.

    Example:
        >>> VertebraLevelNet()(torch.zeros(1, 2, 16, 16, 32)).shape
        torch.Size([1, 20, 40])
    """

    chains = ()  # see `fusion`

    def __init__(self, filters: Sequence[int] = (16, 32, 64), instances: int = 20) -> None:
        super().__init__()
        first, middle, last = filters
        self.instances = instances
        self.fine = nn.Sequential(
            *convolution(3, first, 5, 2), *convolution(first, middle, 3, 2), ResidualBlock(middle), ResidualBlock(middle)
        )
        self.coarse = nn.Sequential(*convolution(middle, last, 3, 2), ResidualBlock(last), ResidualBlock(last))
        self.along = nn.Sequential(nn.Conv1d(middle + last, last, 3, padding=1), nn.ReLU())
        self.head = nn.Conv1d(last, COUNT + len(KINDS), 1)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        ct, index = crops[:, :1], crops[:, 1].round().long().clamp(0, self.instances)
        neighbours = torch.stack([index % 2 == 1, (index > 0) & (index % 2 == 0)], 1)  # one from the next
        fine = self.fine(torch.cat([ct, neighbours.to(ct)], 1).contiguous(memory_format=torch.channels_last_3d))
        coarse = interpolate(self.coarse(fine).float(), fine.shape[2:], mode="trilinear", align_corners=False)
        inside = self._inside(index)
        pooled = torch.einsum("bkxyz,bcxyz->bck", inside, torch.cat([fine.float(), coarse], 1))
        return self.head(self.along(pooled)).transpose(1, 2)

    def _inside(self, index: torch.Tensor) -> torch.Tensor:
        """Return the weight of each voxel of the coarser maps in each instance, ``(B, instances, x, y, z)``; sums are 1, or 0."""
        half = index[:, ::2, ::2, ::2]
        share = one_hot(half, self.instances + 1)[..., 1:].movedim(-1, 1).float()
        share = avg_pool3d(share, STRIDE // 2)
        return share / share.sum((2, 3, 4), keepdim=True).clamp_min(1e-6)


def convolution(before: int, after: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    """Return a convolution with batch normalisation and activation."""
    return [nn.Conv3d(before, after, size, stride, size // 2, bias=False), nn.BatchNorm3d(after), nn.ReLU()]
