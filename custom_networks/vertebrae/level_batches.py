"""Bring batches of crops into the form of the network of levels and its loss, on the device."""

from collections.abc import Callable, Mapping

import torch

from .batches import augmented


class PrepareLevelBatch:
    """Augment a batch and make input and target of it; ``prepare_batch`` of MONAI's trainers.

    The input ``(B, 2, X, Y, Z)`` is that of `VertebraLevelNet`; the target ``(B, instances, 2)`` holds VerSe number and kind.

    Args:
        augmentation: from image and map of instances, both ``(B, 1, ...)``, to both changed, such as `RandCtBatch` of label maps;
            None changes nothing.
    """

    def __init__(self, augmentation: Callable | None = None) -> None:
        self.augmentation = augmentation

    def __call__(
        self, batch: Mapping, device: str | torch.device | None = None, non_blocking: bool = False, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = augmented(batch, self.augmentation, device, non_blocking)
        return torch.cat([image, label], 1), torch.stack([torch.as_tensor(batch[key]).to(device) for key in ("number", "kind")], -1)
