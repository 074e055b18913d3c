"""A U-Net of one convolution a level."""

import torch
from torch import nn
from torch.nn.functional import interpolate

from .fully_conv_net import ConvGroup


class LightUNet(nn.Module):
    """Segment a picture with four encoding and three decoding levels of a single convolution each.

    Every level is a 3x3 convolution, instance normalisation and LeakyReLU. Encoder levels 2 to 4 have stride 2; a decoder level
    sees the encoder's features of its size beside the level below, enlarged bilinearly. 3,873,094 trainable parameters by default.

    Args:
        in_channels: picture channels.
        out_channels: classes, background included.
        width: channels of the first level; each further level has twice as many.

    Shape:
        input ``(B, in_channels, H, W)``, output logits ``(B, out_channels, H, W)``; any size from 9 pixels a side, where the
        deepest level still has something to normalise.

    Reference:
        Learning unit on image segmentation, Institute of Medical Informatics, University of Lübeck (seed 004), after
        Ronneberger, Fischer, Brox: U-Net. MICCAI 2015, LNCS 9351:234-241.
    """

    chains = ()  # see `fusion`

    def __init__(self, in_channels: int = 1, out_channels: int = 6, width: int = 64) -> None:
        super().__init__()
        self.encoder1 = ConvGroup(in_channels, width)
        self.encoder2 = ConvGroup(width, 2 * width, stride=2)
        self.encoder3 = ConvGroup(2 * width, 4 * width, stride=2)
        self.encoder4 = ConvGroup(4 * width, 8 * width, stride=2)
        self.decoder3 = ConvGroup(12 * width, 4 * width)
        self.decoder2 = ConvGroup(6 * width, 2 * width)
        self.decoder1 = ConvGroup(3 * width, width)
        self.classifier = nn.Conv2d(width, out_channels, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        level1 = self.encoder1(image)
        level2 = self.encoder2(level1)
        level3 = self.encoder3(level2)
        features = self.decoder3(_join(level3, self.encoder4(level3)))
        features = self.decoder2(_join(level2, features))
        features = self.decoder1(_join(level1, features))
        return self.classifier(features)


def _join(skip: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    return torch.cat([interpolate(below, size=skip.shape[2:], mode="bilinear"), skip], dim=1)
