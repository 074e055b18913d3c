"""Two 2D V-Nets in cascade for spinal muscles."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, pad


class MultiScalePyramid(nn.Module):
    """Segment a slice at half resolution, then again at full resolution with the first answer beside the image.

    The class probabilities of the first V-Net, enlarged bilinearly, are further channels of the second one's input. 6,368,414
    trainable parameters with 7 output channels, 6,367,994 with 5.

    Args:
        in_channels: image channels.
        out_channels: classes, background included.
        width: channels of the first level of each V-Net; each further level has twice as many.
        dropout: probability of dropping a feature, in [0, 1).

    Shape:
        input ``(B, in_channels, H, W)`` with even H and W, output logits ``(B, out_channels, H, W)``; in training a pair, the
        first V-Net's logits, enlarged to the same shape, and the second one's.

    Reference:
        Dourthe et al., Spine 47:1179-1186, 2022; Roth et al., arXiv:1806.02237; Milletari et al., arXiv:1606.04797.
    """

    chains = ()  # see `fusion`

    def __init__(self, in_channels: int = 1, out_channels: int = 5, width: int = 16, dropout: float = 0.3) -> None:
        super().__init__()
        self.coarse = VNet2D(in_channels, out_channels, width, dropout, input_residual=True)
        self.fine = VNet2D(in_channels + out_channels, out_channels, width, dropout, input_residual=False)
        self.apply(_initialise)

    def forward(self, image: torch.Tensor):
        size = image.shape[2:]
        coarse = self.coarse(avg_pool2d(image, 2))
        probabilities = interpolate(torch.softmax(coarse, dim=1), size=size, mode="bilinear")
        fine = self.fine(torch.cat([image, probabilities], dim=1))
        if not torch.jit.is_scripting():  # noqa: SIM102 - a script has one type of answer and wants this condition alone
            if self.training:
                return interpolate(coarse, size=size, mode="bilinear"), fine
        return fine


def _initialise(module: nn.Module) -> None:
    """Keep the variance through layers without normalisation (He et al., 2015); with torch's own it fades and training stalls."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.kaiming_normal_(module.weight, a=0.25, nonlinearity="leaky_relu")
        nn.init.zeros_(module.bias)


class VNet2D(nn.Module):
    """A 2D V-Net with PReLU, without normalisation, with dilated convolutions in its deeper levels.

    Args:
        in_channels: input channels.
        out_channels: output channels.
        width: channels of the first level.
        dropout: probability of dropping a feature after encoder levels 2 to 4 and every decoder level.
        input_residual: whether the first level adds its input, which must then have one channel or ``width``.

    Shape:
        input ``(B, in_channels, H, W)``, output logits ``(B, out_channels, H, W)``; sides that 8 does not divide are filled up
        with zeros inside.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int, dropout: float, input_residual: bool) -> None:
        super().__init__()
        b = width
        self.input_residual = input_residual
        self.encoder1 = ConvUnit(in_channels, b)
        self.encoder2 = nn.Sequential(Halve(b, 2 * b), Residual(2 * b, (1, 1)), nn.Dropout(dropout))
        self.encoder3 = nn.Sequential(Halve(2 * b, 4 * b), Residual(4 * b, (1, 2, 4)), nn.Dropout(dropout))
        self.encoder4 = nn.Sequential(Halve(4 * b, 8 * b), Residual(8 * b, (3, 4, 5)), nn.Dropout(dropout))
        self.bottleneck = nn.Sequential(ConvUnit(8 * b, 16 * b), ConvUnit(16 * b, 16 * b), ConvUnit(16 * b, 16 * b))
        self.shortcut = ConvUnit(8 * b, 16 * b)
        self.decoder3 = Expand(16 * b, 4 * b, convolutions=3, dropout=dropout)
        self.decoder2 = Expand(8 * b, 2 * b, convolutions=2, dropout=dropout)
        self.decoder1 = Expand(4 * b, b, convolutions=1, dropout=dropout)
        self.classifier = nn.Conv2d(2 * b, out_channels, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[2:]
        padded = pad(image, [0, -width % 8, 0, -height % 8])  # the deepest level has an eighth of the size
        level1 = self.encoder1(padded)
        if self.input_residual:
            level1 = level1 + padded
        level2 = self.encoder2(level1)
        level3 = self.encoder3(level2)
        level4 = self.encoder4(level3)
        features = self.bottleneck(level4) + self.shortcut(level4)
        features = self.decoder3(features, level3)
        features = self.decoder2(features, level2)
        features = self.decoder1(features, level1)
        return self.classifier(features)[:, :, :height, :width]


class ConvUnit(nn.Sequential):
    """A 3x3 convolution and a PReLU with a slope a channel."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation), nn.PReLU(out_channels))


class Halve(nn.Sequential):
    """A 2x2 convolution with stride 2 and a PReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 2, stride=2), nn.PReLU(out_channels))


class Residual(nn.Module):
    """Convolutions of given dilations, plus their input."""

    def __init__(self, channels: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*(ConvUnit(channels, channels, dilation) for dilation in dilations))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.convolutions(features) + features


class Expand(nn.Module):
    """Double the size, join an encoder level, convolve, add the enlarged features.

    Args:
        in_channels: channels from below; the output has half as many.
        skip_channels: channels of the encoder level.
        convolutions: how many.
        dropout: probability of dropping a feature of the output.
    """

    def __init__(self, in_channels: int, skip_channels: int, convolutions: int, dropout: float) -> None:
        super().__init__()
        out_channels = in_channels // 2
        self.enlarge = nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2), nn.PReLU(out_channels))
        sources = [out_channels + skip_channels] + [out_channels] * (convolutions - 1)
        self.convolutions = nn.Sequential(*(ConvUnit(channels, out_channels) for channels in sources))
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        enlarged = self.enlarge(features)
        return self.dropout(self.convolutions(torch.cat([enlarged, skip], dim=1)) + enlarged)
