"""Small 2D network that marks the spinal cord on coarse axial slices."""

import torch
from monai.networks.nets import UNet


class CordLocatorNet(UNet):
    """Mark the spinal cord on axial slices of 1 mm.

    A residual U-Net of MONAI with five levels (8 to 64 filters) and instance normalisation; small enough to search a
    whole field of view in milliseconds on a CPU.

    Args:
        filters: channels of each level.

    Shape:
        input ``(B, 1, H, W)`` with H and W multiples of 16, output logits ``(B, 1, H, W)``.
    """

    def __init__(self, filters: tuple[int, ...] = (8, 16, 32, 64, 64)) -> None:
        super().__init__(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            channels=filters,
            strides=(2,) * (len(filters) - 1),
            num_res_units=1,
            norm="INSTANCE",
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return super().forward(image)
