"""Full-resolution 2D network with dilated branches for spinal cord gray matter."""

import math

import torch
from torch import nn

from .batch_norms import merged

BRANCH_DILATIONS = (6, 12, 18, 24)
POOLED_BRANCH_SOURCES = ("stem", "dilated_stem")


class ConvUnit(nn.Sequential):
    """Convolution, ReLU, batch normalisation and channel dropout, in that order; keeps height and width.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd side of the square kernel.
        dilation: distance of neighbouring kernel elements in pixels.
        dropout: probability of dropping a channel, in [0, 1).
        momentum: batch-norm momentum in torch's sense (weight of the newest batch).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, dilation: int, dropout: float, momentum: float
    ) -> None:
        super().__init__()
        padding = dilation * (kernel_size // 2)
        self.add_module("conv", nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation))
        self.add_module("relu", nn.ReLU())
        self.add_module("norm", nn.BatchNorm2d(out_channels, momentum=momentum))
        self.add_module("dropout", nn.Dropout2d(dropout))


class NoPoolASPP(nn.Module):
    """Segment gray matter on axial slices without ever losing resolution.

    A stem of two 3x3 and two dilated 3x3 convolutions feeds six parallel branches: a plain one (3x3, 1x1), four of
    two dilated 3x3 convolutions (dilations 6, 12, 18, 24) and a global average. Their concatenation is reduced by
    1x1 convolutions to logits of the input's height and width. 126,177 trainable parameters by default.

    The two published variants differ in where the global average starts and in the order of the concatenation;
    ``pooled_branch`` selects either:

    - ``"stem"`` (published Keras weights): average of the undilated stem, concatenated before the branch of the
      largest dilation;
    - ``"dilated_stem"`` (published torch code): average of the dilated stem, concatenated last.

    Args:
        in_channels: image channels.
        out_channels: output channels, one logit each.
        filters: channels of every hidden convolution; the fusing 1x1 convolution has twice as many.
        dropout: probability of dropping a channel, in [0, 1).
        batch_norm_momentum: weight of the newest batch in the running statistics. The paper's momentum of 0.1 in
            Keras' convention is 0.9 here.
        pooled_branch: ``"stem"`` or ``"dilated_stem"``, see above.

    Raises:
        ValueError: when ``pooled_branch`` is neither of the two.

    Shape:
        input ``(B, in_channels, H, W)``, output logits ``(B, out_channels, H, W)``, any H and W.

    Reference:
        Perone, Calabrese, Cohen-Adad: Spinal cord gray matter segmentation using deep dilated convolutions.
        Scientific Reports 8:5966, 2018.

    Example:
        >>> NoPoolASPP()(torch.zeros(1, 1, 51, 64)).shape
        torch.Size([1, 1, 51, 64])
    """

    chains = (("concat_norm", "concat_dropout", "fuse", "logits"),)  # see `fusion`

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        filters: int = 32,
        dropout: float = 0.4,
        batch_norm_momentum: float = 0.1,
        pooled_branch: str = "stem",
    ) -> None:
        super().__init__()
        if pooled_branch not in POOLED_BRANCH_SOURCES:
            raise ValueError(f"pooled_branch must be one of {POOLED_BRANCH_SOURCES}, got {pooled_branch!r}.")
        self.pool_stem = pooled_branch == "stem"

        def unit(channels: int, out: int, kernel_size: int, dilation: int = 1) -> ConvUnit:
            return ConvUnit(channels, out, kernel_size, dilation, dropout, batch_norm_momentum)

        self.stem = nn.Sequential(unit(in_channels, filters, 3), unit(filters, filters, 3))
        self.dilated_stem = nn.Sequential(unit(filters, filters, 3, 2), unit(filters, filters, 3, 2))
        plain = nn.Sequential(unit(filters, filters, 3), unit(filters, filters, 1))
        dilated = [nn.Sequential(unit(filters, filters, 3, d), unit(filters, filters, 3, d)) for d in BRANCH_DILATIONS]
        self.branches = nn.ModuleList([plain, *dilated])
        fused = filters * (len(self.branches) + 1)
        self.concat_norm = nn.BatchNorm2d(fused, momentum=batch_norm_momentum)
        self.concat_dropout = nn.Dropout2d(dropout)
        self.fuse = unit(fused, 2 * filters, 1)
        self.logits = nn.Conv2d(2 * filters, out_channels, 1)
        self.apply(_init_convolution)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        features = self.dilated_stem(stem)
        source = stem if self.pool_stem else features
        pooled = source.mean(dim=(2, 3), keepdim=True)
        branches = [branch(features) for branch in self.branches]
        # laid out as the others, where expanded it would break channels last; in training, rounding of its gradient matters more
        pooled = pooled.expand_as(features)
        branches.append(pooled if self.training else pooled.contiguous(memory_format=torch.channels_last))
        if self.pool_stem:
            branches[-2], branches[-1] = branches[-1], branches[-2]
        fused = self.concat_dropout(self.concat_norm(torch.cat(branches, dim=1)))
        return self.logits(self.fuse(fused))

    def merge_norms(self) -> None:
        """Make the norms at the ends of branches and stem part of those behind them; in evaluation answers stay. See `fusion`."""
        stem, norms = _without_norm(self.stem), [_without_norm(branch) for branch in self.branches]
        self.dilated_stem = nn.Sequential(stem, *self.dilated_stem)
        if self.pool_stem:  # the average of what is normalised is the average, normalised
            norms.insert(-1, stem)
        else:
            norms.append(nn.BatchNorm2d(stem.num_features, eps=0.0).eval())
        self.concat_norm = merged(norms, self.concat_norm)


def _without_norm(units: nn.Sequential) -> nn.BatchNorm2d:
    """Take the last norm off units, and return it."""
    norm, units[-1].norm = units[-1].norm, nn.Identity()
    return norm


def _init_convolution(module: nn.Module) -> None:
    """Draw convolution weights from a normal distribution of standard deviation sqrt(2 / (k * k * out))."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
