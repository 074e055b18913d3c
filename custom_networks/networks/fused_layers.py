"""Layers that do on a processor, in one pass over memory, what torch's own do in two or three."""

import itertools
import operator
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

SIZES = 4  # of images whose borders a layer keeps
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the axes of the input


def activation_code(layer: nn.Module | None) -> tuple[str, list[float]] | None:
    """Return what oneDNN calls an activation, and its numbers; None for one that no convolution can end with."""
    if layer is None:
        return "none", []
    if type(layer) is nn.ReLU:
        return "relu", []
    if type(layer) is nn.LeakyReLU:
        return "leaky_relu", [layer.negative_slope]
    return None


class FusedConvolution(nn.Module):
    """A convolution and the activation behind it, written to memory once; oneDNN's, as torch's compiler calls it.

    Weights in the type of autocast and the layout of oneDNN are made once and kept, where else they are made in each call.

    Args:
        convolution: in 2D or 3D, with zeros beyond the border.
        activation: ReLU, LeakyReLU or None.
        weight, bias: in place of the convolution's own.

    Shape:
        as the convolution's, in channels-last layout.
    """

    def __init__(
        self,
        convolution: nn.Conv2d | nn.Conv3d,
        activation: nn.Module | None = None,
        weight: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        bias = convolution.bias if bias is None else bias
        self.bias = None if bias is None else bias.detach()  # oneDNN adds it before it rounds
        self.weight = _last(convolution.weight.detach() if weight is None else weight)
        self.geometry = [list(n) for n in (convolution.padding, convolution.stride, convolution.dilation)]
        self.groups, self.activation = convolution.groups, activation_code(activation)
        self._packed: dict[torch.dtype, torch.Tensor] = {}

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = _last(features.to(_kind()))
        settings = (*self.geometry, self.groups, *self.activation, "")
        return torch.ops.mkldnn._convolution_pointwise(features, self._weight(features), self.bias, *settings)

    def _weight(self, features: torch.Tensor) -> torch.Tensor:
        """Return the weights in the features' type and in oneDNN's own layout, in which it would bring them in each call."""
        kind = features.dtype
        if kind not in self._packed:
            settings = (*self.geometry, self.groups, list(features.shape))
            self._packed[kind] = torch.ops.mkldnn._reorder_convolution_weight(self.weight.to(kind), *settings)
        return self._packed[kind]


class NormedConvolution(FusedConvolution):
    """A convolution with zeros beyond the border, and the batch normalisation before it, of which these zeros know nothing.

    The normalisation's scale is multiplied into the weights. What its shift alone comes to differs along the border; it is kept as
    an image, to which oneDNN adds the convolution.

    Args:
        convolution: in 2D, with one group.
        activation: ReLU or None, as oneDNN has it.
        weight, bias: in place of the convolution's own; no bias is none.
        scale, shift: of the normalisation, ``(C,)``, see `scale_and_shift`.
    """

    def __init__(
        self,
        convolution: nn.Conv2d,
        activation: nn.Module | None,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        scale: torch.Tensor,
        shift: torch.Tensor,
    ) -> None:
        shifted = weight * shift.view(1, -1, 1, 1)
        inside = shifted.sum((1, 2, 3)) + (0 if bias is None else bias.detach())
        super().__init__(convolution, activation, weight * scale.view(1, -1, 1, 1), inside)
        self.missing = -shifted.sum(1, keepdim=True)  # where the kernel reaches beyond the border
        self._borders: dict[tuple[torch.Size, torch.dtype], torch.Tensor] = {}

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = _last(features.to(_kind()))
        border = self._border(features.shape[2:], features.dtype)
        answers = border.expand(len(features), -1, -1, -1).clone(memory_format=torch.channels_last)
        activation = (None, [], "") if self.activation[0] == "none" else (*self.activation, "")
        settings = (*self.geometry, self.groups, "add", 1.0, *activation)
        bias = self.bias.to(features.dtype)
        return torch.ops.mkldnn._convolution_pointwise_(answers, features, self._weight(features), bias, *settings)

    def _border(self, size: torch.Size, kind: torch.dtype) -> torch.Tensor:
        """Return what differs from the bias for images of a size, with what the bias loses by rounding."""
        border = self._borders.get((size, kind))
        if border is None:
            padding, stride, dilation = self.geometry
            with torch.autocast("cpu", enabled=False):
                beyond = functional.pad(torch.zeros(1, 1, *size), [padding[1]] * 2 + [padding[0]] * 2, value=1.0)
                border = functional.conv2d(beyond, self.missing, None, stride, 0, dilation)
            border = _last((border + (self.bias - self.bias.to(kind).float()).view(1, -1, 1, 1)).to(kind))
            if len(self._borders) == SIZES:
                self._borders.clear()
            self._borders[size, kind] = border
        return border


class FusedExpansion(nn.Module):
    """The convolution behind an enlargement: of features, and of those from below, each of which stands for 2 voxels along an axis.

    Nearest neighbours and a convolution of 3 voxels are one transposed convolution of 4 with stride 2: what the kernel's elements
    would multiply by the same number is added up beforehand. That takes 64 products where 216 were, and joins no channels.

    Args:
        convolution: of 3x3x3 with stride 1, the features' channels first.
        activation: see `FusedConvolution`.
        channels: of the features.
        rest: what comes behind.

    Shape:
        features ``(B, C, D, H, W)``, those from below ``(B, C', D / 2, H / 2, W / 2)``.
    """

    def __init__(self, convolution: nn.Conv3d, activation: nn.Module | None, channels: int, rest: Sequence[nn.Module]) -> None:
        super().__init__()
        self.activation, self.bias, self.rest = activation_code(activation), convolution.bias, nn.Sequential(*rest)
        skip, below = convolution.weight.detach().split([channels, convolution.in_channels - channels], dim=1)
        sums = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        below = torch.einsum("oidhw,xd,yh,zw->ioxyz", below, sums, sums, sums)
        self.weights = {torch.float32: (_last(skip), below)}

    def forward(self, skip: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        kind = _kind()
        if kind not in self.weights:
            self.weights[kind] = tuple(weight.to(kind) for weight in self.weights[torch.float32])
        weight, enlarging = self.weights[kind]
        ones = [1, 1, 1]
        enlarged = torch.ops.mkldnn._convolution_transpose_pointwise(
            _last(below.to(kind)), enlarging, self.bias, ones, [0, 0, 0], [2, 2, 2], ones, 1, "none", [], ""
        )
        settings = (ones, ones, ones, 1, "add", 1.0, *self.activation, "")
        features = torch.ops.mkldnn._convolution_pointwise.binary(_last(skip.to(kind)), enlarged, weight, None, *settings)
        return self.rest(features)


class WholeNorm(nn.Module):
    """Instance normalisation that keeps channels last: torch's own copies such features to another layout and back.

    For one image it is batch normalisation by the batch's own statistics, which torch computes in any layout.
    """

    def __init__(self, norm: nn.InstanceNorm2d | nn.InstanceNorm3d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        answers = [
            functional.batch_norm(image, None, None, self.weight, self.bias, training=True, eps=self.eps)
            for image in features.split(1)
        ]
        return torch.cat(answers) if len(answers) > 1 else answers[0]


class WidePReLU(nn.Module):
    """PReLU with a slope a channel, laid out over a row of pixels: torch walks over a few channels only, thirty times slower."""

    def __init__(self, activation: nn.PReLU) -> None:
        super().__init__()
        self.weight = activation.weight

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        row = self.weight.detach().to(features.dtype).expand(features.shape[-1], -1).contiguous()
        shape: Sequence[int] = (*[1] * (features.ndim - 2), *row.shape)
        return torch._prelu_kernel(features, row.view(shape).movedim(-1, 1))


def _kind() -> torch.dtype:
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32


def _last(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor channels last; one of a single channel says so by its strides, or torch takes it for the other layout."""
    tensor = tensor.contiguous(memory_format=CHANNELS_LAST[tensor.ndim])
    if tensor.shape[1] > 1:
        return tensor
    strides = [1, *itertools.accumulate(reversed(tensor.shape[2:]), operator.mul)]
    return tensor.as_strided(tensor.shape, (strides[-1], 1, *strides[-2::-1]))
