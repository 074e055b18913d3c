"""Let a 2D network of small reach see a picture at several sizes."""

from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import interpolate

from .plane_inferer import PlaneInferer

SMALLEST = 16  # pixels of a copy's side; below, normalisation over the deepest features has nothing to go by


class MultiScaleInferer(PlaneInferer):
    """Sum a 2D network's logits of a picture and of smaller copies of it, brought to the picture's size.

    A network that sees 45 pixels around each pixel cannot tell heart from abdomen at full size; in a copy of an eighth it sees
    the whole body, at full size the borders. Train with this inferer too: the weights learn their part at each size.

    Args:
        divisors: the copies' sizes are the picture's over these, but at least `SMALLEST`.
        precision: see `half_type`.
        window_batch: see `PlaneInferer`.
        channels_last: see `AutocastInferer`.

    Shape:
        input ``(B, C, H, W)`` or ``(B, C, H, W, D)``, output of the same but for its channels, logits, float32.
    """

    def __init__(
        self,
        divisors: Sequence[int] = (1, 2, 4, 8),
        precision: str = "auto",
        window_batch: int | None = None,
        channels_last: bool = True,
    ) -> None:
        super().__init__(precision, window_batch, channels_last)
        self.divisors = tuple(divisors)

    def run(self, network: Callable[..., torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
        size = pictures.shape[2:]
        total = torch.zeros((), device=pictures.device)
        for divisor in self.divisors:
            smaller = [max(SMALLEST, side // divisor) for side in size]
            copy = pictures if divisor == 1 else interpolate(pictures, smaller, mode="bilinear", antialias=True)
            answer = super().run(network, copy)
            total = total + (answer if divisor == 1 else interpolate(answer, size, mode="bilinear"))
        return total
