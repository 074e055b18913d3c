"""Fully convolutional 2D network on a coarse grid."""

from collections.abc import Sequence

import torch
from torch import nn


class FullyConvNet(nn.Sequential):
    """Classify the cells of a grid four times coarser than the picture.

    Four groups of a 3x3 convolution, instance normalisation and LeakyReLU, the first two with stride 2, then a 3x3 classifier.
    The caller brings the logits to the picture's size; `InterpolatingInferer` does. 63,686 trainable parameters by default,
    973,574 with ``channels=(64, 128, 256, 256)``.

    Args:
        in_channels: picture channels.
        out_channels: classes, background included.
        channels: of the four groups.

    Shape:
        input ``(B, in_channels, H, W)``, output logits ``(B, out_channels, ceil(H / 4), ceil(W / 4))``.

    Reference:
        Learning unit on image segmentation, Institute of Medical Informatics, University of Lübeck (seed 004).
    """

    chains = ()  # see `fusion`

    def __init__(self, in_channels: int = 1, out_channels: int = 6, channels: Sequence[int] = (16, 32, 64, 64)) -> None:
        sources = (in_channels, *channels)
        groups = [ConvGroup(sources[i], sources[i + 1], stride=2 if i < 2 else 1) for i in range(len(channels))]
        super().__init__(*groups, nn.Conv2d(channels[-1], out_channels, 3, padding=1))


class ConvGroup(nn.Sequential):
    """A 3x3 convolution, instance normalisation and LeakyReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: 1 keeps height and width, 2 halves them, rounded up.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        super().__init__(convolution, nn.InstanceNorm2d(out_channels), nn.LeakyReLU())


def resize_logits(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Bring ``(B, C, h, w)`` to ``size`` bilinearly, corners on corners as the learning unit does."""
    return nn.functional.interpolate(logits, size=list(size), mode="bilinear", align_corners=True)
