"""Average a picture's answer with that of its mirror image."""

from collections.abc import Callable, Sequence

import torch

from ..data.mirror_labels import mirror_labels
from .plane_inferer import PlaneInferer


class MirroredPlaneInferer(PlaneInferer):
    """`PlaneInferer` on an image and its mirror image, whose right and left are swapped back, averaged.

    So a mirrored image gets exactly the mirrored answer with its sides' names swapped.

    Args:
        names: of the classes 1, 2, ..., see `mirror_labels`; None takes the image alone.
        precision: see `half_type`.
        window_batch: see `PlaneInferer`.

    Shape:
        input ``(B, C, W, H)`` or ``(B, C, W, H, D)``, W from side to side; output ``(B, len(names) + 1, ...)``, logits, float32.
    """

    def __init__(self, names: Sequence[str] | None, precision: str = "auto", window_batch: int | None = None) -> None:
        super().__init__(precision, window_batch)
        self.labels = None if names is None else mirror_labels(names)

    def __call__(self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args, **kwargs) -> torch.Tensor:
        answer = super().__call__(inputs, network)
        if self.labels is None:
            return answer
        mirrored = super().__call__(torch.flip(inputs, [2]), network)
        return (answer + torch.flip(mirrored, [2])[:, self.labels]) / 2
