"""Forward pass in the precision that the device is fast in."""

from collections.abc import Callable

import torch
from monai.inferers import SimpleInferer

from ..networks.fused_layers import CHANNELS_LAST
from ..networks.fusion import for_inference
from .precision import autocast

SMALL = 24  # side of a patch below which three halvings make maps of 2


class AutocastInferer(SimpleInferer):
    """Run the network under autocast and return float32; MONAI's own engines do so on CUDA only.

    A network that answers with several tensors gives a tuple of them.

    Args:
        precision: see `half_type`. In training with float16 MONAI's trainer scales the gradients, see `needs_gradient_scaler`.
        fixed_norm: whether batch normalisation uses its running statistics in training too, and leaves them as they are. The last
            part of a training with small batches gains by it: the network then adapts to what it meets in inference. See `FixNorm`.
        channels_last: whether a network that is not fused (`for_inference`) is laid out channels last in inference, which most run
            faster with.
    """

    def __init__(self, precision: str = "auto", fixed_norm: bool = False, channels_last: bool = True) -> None:
        super().__init__()
        self.precision, self.fixed_norm, self.channels_last = precision, fixed_norm, channels_last

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        if self.fixed_norm:  # here, as MONAI's trainer sets the whole network to training before every step
            for module in network.modules():
                if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                    module.eval()
        inference = isinstance(network, torch.nn.Module) and not network.training
        fused = for_inference(network)
        if fused is network and self.channels_last and inference and inputs.ndim in CHANNELS_LAST:
            # here, because MONAI Label builds networks without it, and bfloat16 rounds otherwise then
            network.to(memory_format=CHANNELS_LAST[inputs.ndim])
        # oneDNN's bfloat16 gradients of 3x3x3 convolutions on maps of depth 2 read memory that nobody wrote (torch 2.13).
        unsafe = inputs.device.type == "cpu" and inputs.ndim == 5 and not inference and min(inputs.shape[2:]) < SMALL
        with torch.autocast("cpu", enabled=False) if unsafe else autocast(inputs.device, self.precision):
            output = super().__call__(inputs, fused, *args, **kwargs)
        return tuple(part.float() for part in output) if isinstance(output, tuple) else output.float()
