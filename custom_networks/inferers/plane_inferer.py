"""Apply a 2D network to pictures and, slice by slice, to volumes."""

from collections.abc import Callable
from functools import partial

import torch
from monai.inferers import Inferer, SliceInferer
from torch.nn.functional import pad

from ..networks.fully_conv_net import resize_logits
from .autocast_inferer import AutocastInferer
from .window_batch import windows_at_once

ON_CPU = 4  # slices at once
LEAST = 2  # pixels of a side


class PlaneInferer(Inferer):
    """Run a 2D network under autocast and bring its logits to the size of its input.

    Volumes go through MONAI's ``SliceInferer`` along their last axis. A network that answers with several stages in training is
    passed through.

    Args:
        precision: see `half_type`.
        window_batch: slices of a volume that the network sees at once, see `windows_at_once`; 4 on processors.
        channels_last: see `AutocastInferer`.

    Shape:
        input ``(B, C, H, W)`` or ``(B, C, H, W, D)``, output of the same but for its channels, float32.
    """

    def __init__(self, precision: str = "auto", window_batch: int | None = None, channels_last: bool = True) -> None:
        super().__init__()
        self.autocast, self.window_batch = AutocastInferer(precision, channels_last=channels_last), window_batch

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs):
        if inputs.ndim == 4:
            return self.run(network, inputs)
        together = windows_at_once(inputs.device, self.window_batch, ON_CPU)
        slicer = SliceInferer(roi_size=inputs.shape[2:4], sw_batch_size=together, spatial_dim=2)
        return slicer(inputs, partial(self.run, network))

    def run(self, network: Callable[..., torch.Tensor], pictures: torch.Tensor):
        """Return the network's answer to pictures ``(B, C, H, W)`` at their size."""
        height, width = pictures.shape[2:]
        if min(height, width) < LEAST:  # a sagittal slice is an axial one a pixel wide, which no network can halve
            wider = pad(pictures, [0, max(0, LEAST - width), 0, max(0, LEAST - height)], mode="replicate")
            answer = self.run(network, wider)
            return answer if isinstance(answer, tuple) else answer[:, :, :height, :width]
        logits = self.autocast(pictures, network)
        if isinstance(logits, tuple) or logits.shape[2:] == pictures.shape[2:]:
            return logits
        return resize_logits(logits, pictures.shape[2:])
