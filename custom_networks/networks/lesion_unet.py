"""A small 3D U-Net for white-matter lesions."""

from functools import partial

import torch
from torch import nn

NORMS = {"instance": partial(nn.InstanceNorm3d, affine=True), "batch": nn.BatchNorm3d}


class LesionUNet(nn.Module):
    """Label brain voxels with three halvings of the resolution; skip connections add instead of joining channels.

    One 3x3x3 convolution with ReLU at each level (32, 64, 128, 256 channels), or more of them, between levels 2x2x2 convolutions
    with stride 2, on the way up transposed ones. 2,260,866 trainable parameters with two channels in and out.

    Args:
        in_channels: images of one grid, such as FLAIR and T1.
        out_channels: classes, background included.
        width: channels of the first level; each further level has twice as many.
        convolutions: 3x3x3 convolutions at each level; further ones keep the width.
        norm: ``"instance"`` normalises every channel of every patch after each convolution, ``"batch"`` every channel by what all
            patches of the training had, so that a patch without lesions stays as dim as it is; None does neither.

    Shape:
        input ``(B, in_channels, D, H, W)`` with sides that 8 divides, output logits ``(B, out_channels, D, H, W)``.

    Reference:
        Valverde et al.: One-shot domain adaptation in multiple sclerosis lesion segmentation using convolutional neural networks.
        NeuroImage: Clinical 21:101638, 2019; tutorial of the same author (seed 003).
    """

    chains = ()  # see `fusion`

    def __init__(
        self, in_channels: int = 2, out_channels: int = 2, width: int = 32, convolutions: int = 1, norm: str | None = None
    ) -> None:
        super().__init__()
        if norm is not None and norm not in NORMS:
            raise ValueError(f"norm must be None, 'instance' or 'batch', got {norm!r}.")
        b, conv = width, partial(_convolutions, count=convolutions, norm=norm)
        self.encoder1 = conv(in_channels, b)
        self.encoder2 = nn.Sequential(nn.Conv3d(b, b, 2, stride=2), conv(b, 2 * b))
        self.encoder3 = nn.Sequential(nn.Conv3d(2 * b, 2 * b, 2, stride=2), conv(2 * b, 4 * b))
        self.encoder4 = nn.Sequential(nn.Conv3d(4 * b, 4 * b, 2, stride=2), conv(4 * b, 8 * b))
        self.double3 = nn.ConvTranspose3d(8 * b, 4 * b, 2, stride=2)
        self.double2 = nn.ConvTranspose3d(4 * b, 2 * b, 2, stride=2)
        self.double1 = nn.ConvTranspose3d(2 * b, b, 2, stride=2)
        self.decoder3, self.decoder2, self.decoder1 = conv(4 * b, 4 * b), conv(2 * b, 2 * b), conv(b, b)
        self.classifier = nn.Conv3d(b, out_channels, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        level1 = self.encoder1(image)
        level2 = self.encoder2(level1)
        level3 = self.encoder3(level2)
        features = self.decoder3(self.double3(self.encoder4(level3)) + level3)
        features = self.decoder2(self.double2(features) + level2)
        features = self.decoder1(self.double1(features) + level1)
        return self.classifier(features)


def _convolutions(in_channels: int, out_channels: int, count: int, norm: str | None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(count):
        layers.append(nn.Conv3d(in_channels if number == 0 else out_channels, out_channels, 3, padding=1))
        layers += [NORMS[norm](out_channels)] if norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
