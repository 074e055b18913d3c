"""Augment a batch where the network is, in place of picture by picture on the CPU."""

from collections.abc import Callable, Sequence

import torch
from monai.engines import default_prepare_batch

BatchTransform = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


class AugmentBatch:
    """Bring images and labels to the device and let batch transforms change them: a trainer's ``prepare_batch``.

    Random numbers are torch's own of that device, so ``set_determinism`` fixes them.

    Args:
        transforms: callables of images ``(B, C, H, W)``, float32, and labels ``(B, 1, H, W)``, whole numbers, on one device, that
            return both.
    """

    def __init__(self, transforms: Sequence[BatchTransform]) -> None:
        self.transforms = tuple(transforms)

    @torch.no_grad()
    def __call__(
        self, batch: dict, device: torch.device | str | None = None, non_blocking: bool = False, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = default_prepare_batch(batch, device, non_blocking, **kwargs)
        image, label = image.as_subclass(torch.Tensor).float(), label.as_subclass(torch.Tensor).long()
        for transform in self.transforms:
            image, label = transform(image, label)
        return image, label
