"""3D network that segments the next vertebra, given those that were segmented before."""

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import interpolate

LABEL_CENTRE, LABEL_SCALE = 14.0, 6.0  # the label output starts at mid-spine and moves in vertebrae, not in 24ths
HEADS = ("block", "convolution")


class ConvBlock(nn.Sequential):
    """Two 3x3x3 convolutions, each followed by ReLU and batch normalisation; keeps the size."""

    def __init__(self, in_channels: int, out_channels: int, momentum: float) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [
                nn.Conv3d(channels, out_channels, 3, padding=1),
                nn.ReLU(),
                nn.BatchNorm3d(out_channels, momentum=momentum),
            ]
        super().__init__(*layers)


class Expansion(ConvBlock):
    """A block on the features of a path, with those from below, enlarged to twice their size, as further channels."""

    enlarges = True  # see `fusion`

    def forward(self, skip: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        features = torch.cat([skip, interpolate(below, scale_factor=2.0, mode="nearest")], dim=1)
        for layer in self:
            features = layer(features)
        return features


class IterativeFCN(nn.Module):
    """Segment one vertebra of a patch: the first, along the traversal, that the memory does not hold yet.

    A U-shaped path of three (``levels - 1``) contractions by max pooling and as many expansions gives the segmentation. From its
    deepest level a second path contracts on (pool, block, ...) to one vector, from which come whether the vertebra lies wholly in
    the patch and, where ``predict_label`` is set, its number. Scalars come back as constant channels, so that the output is one
    tensor in training, evaluation, TorchScript and ONNX alike.

    Args:
        in_channels: CT patch and instance memory.
        filters: channels of every block, or one number a level from the finest to the deepest.
        levels: number of resolutions; the patch's sides must be multiples of ``2 ** (levels - 1)``.
        share_weights: one block for all inner contractions and one for all expansions, as the published code has it; it needs
            equal filters. Otherwise, as in the paper, every level has its own.
        contractions: further contractions of the classification path before its global maximum: 3 for patches of 128 (to a
            size of 2), 2 for patches of 64.
        predict_label: whether there is a third output, the number of the vertebra as a real number (1 is C1, 24 is L5).
        head: ``"block"`` ends the segmentation in a block of one channel, as published; ``"convolution"`` in one 1x1x1
            convolution, whose logits no ReLU bounds.
        batch_norm_momentum: weight of the newest batch in the running statistics.

    Raises:
        ValueError: for a head that is neither, filters that do not fit the levels, or shared weights with unequal filters.

    Shape:
        input ``(B, 2, D, H, W)``; output ``(B, 2 or 3, D, H, W)``: segmentation logit, completeness logit, label. 669,986
        parameters with 64 filters, shared weights and no label.

    Reference:
        Lessmann, van Ginneken, de Jong, Isgum: Iterative fully convolutional neural networks for automatic vertebra segmentation
        and identification. Medical Image Analysis 53:142-155, 2019.

    Example:
        >>> IterativeFCN(filters=2).eval()(torch.zeros(1, 2, 64, 64, 64)).shape
        torch.Size([1, 3, 64, 64, 64])
    """

    chains = ()  # see `fusion`

    def __init__(
        self,
        in_channels: int = 2,
        filters: int | Sequence[int] = 64,
        levels: int = 4,
        share_weights: bool = False,
        contractions: int = 3,
        predict_label: bool = True,
        head: str = "block",
        batch_norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        widths = [filters] * levels if isinstance(filters, int) else list(filters)
        if head not in HEADS:
            raise ValueError(f"head must be one of {HEADS}, got {head!r}.")
        if len(widths) != levels:
            raise ValueError(f"filters must be one number or one a level ({levels}), got {len(widths)}.")
        if share_weights and len(set(widths)) > 1:
            raise ValueError(f"shared weights need equal filters at all levels, got {widths}.")

        def block(inputs: int, outputs: int, kind: type[ConvBlock] = ConvBlock) -> ConvBlock:
            return kind(inputs, outputs, batch_norm_momentum)

        deepest = widths[-1]
        if share_weights:
            inner, outer = block(deepest, deepest), block(2 * deepest, deepest, Expansion)
            contracting = [inner] * (levels - 1)
            expanding = [outer] * (levels - 1)
            classifying = [inner] * contractions
        else:
            contracting = [block(fine, coarse) for fine, coarse in itertools.pairwise(widths)]
            expanding = [block(fine + coarse, fine, Expansion) for fine, coarse in itertools.pairwise(widths)][::-1]
            classifying = [block(deepest, deepest) for _ in range(contractions)]
        self.entry = block(in_channels, widths[0])
        self.contracting = nn.ModuleList(contracting)
        self.expanding = nn.ModuleList(expanding)
        self.classifying = nn.ModuleList(classifying)
        self.pool = nn.MaxPool3d(2)
        self.head = block(widths[0], 1) if head == "block" else nn.Conv3d(widths[0], 1, 1)
        self.scalars = nn.Linear(deepest, 2 if predict_label else 1)
        scale = [1.0, LABEL_SCALE] if predict_label else [1.0]
        offset = [0.0, LABEL_CENTRE] if predict_label else [0.0]
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.register_buffer("offset", torch.tensor(offset), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.entry(image)
        skips = [features]
        for block in self.contracting:
            features = block(self.pool(features))
            skips.append(features)
        scalars = self._classify(features)
        depth = len(skips) - 1
        for level, block in enumerate(self.expanding):
            features = block(skips[depth - 1 - level], features)
        logits = self.head(features).float()
        shape = [scalars.shape[0], scalars.shape[1], logits.shape[2], logits.shape[3], logits.shape[4]]
        return torch.cat([logits, scalars[:, :, None, None, None].expand(shape)], dim=1)

    def _classify(self, features: torch.Tensor) -> torch.Tensor:
        """Return completeness logit and label, ``(B, 1 or 2)``.

        In float32: oneDNN's bfloat16 gradients are wrong on maps of 2x2x2 (torch 2.13, CPU), and this path costs next to nothing.
        """
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            summary = features.float()
            for block in self.classifying:
                summary = block(self.pool(summary))
            return self.scalars(torch.amax(summary, dim=(2, 3, 4))) * self.scale + self.offset
