"""Bring batches of patches into the form of the network and its loss, on the device."""

from collections.abc import Callable, Mapping

import torch
from torch.nn.functional import pad

REACH = 2.5  # widths from the border, beyond which the extra weight is below 0.002 of its most


class PrepareVertebraBatch:
    """Augment a batch and make the network's input and the loss's target of it; ``prepare_batch`` of MONAI's trainers.

    The input ``(B, 2, ...)`` holds CT and memory. The target ``(B, 4, ...)`` holds mask, weights of the voxels, completeness and
    number, the last two as constant channels like the network's. Weights are ``1 + strength * exp(-d^2 / width^2)``, with d the
    distance to the target's border in voxels; 1 everywhere where there is no target.

    Args:
        augmentation: from image ``(B, 1, ...)`` and label ``(B, 2, ...)`` to both changed, such as `RandCtBatch`; None changes
            nothing.
        strength: how much more a voxel at the border counts.
        width: how far from the border that reaches, in voxels; the paper's 6 at 1 mm.
    """

    def __init__(self, augmentation: Callable | None = None, strength: float = 8.0, width: float = 6.0) -> None:
        self.augmentation, self.strength, self.width = augmentation, strength, width

    def __call__(
        self, batch: Mapping, device: str | torch.device | None = None, non_blocking: bool = False, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = augmented(batch, self.augmentation, device, non_blocking)
        target, memory = label[:, :1], label[:, 1:]
        constants = [self._constant(batch[name], target) for name in ("complete", "number")]
        weights = border_weights(target[:, 0] > 0.5, self.strength, self.width)[:, None]
        inputs = torch.cat([image, memory], 1).contiguous(memory_format=torch.channels_last_3d)
        return inputs, torch.cat([target, weights, *constants], 1)

    def _constant(self, values, like: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(values).to(like)[:, None, None, None, None].expand_as(like)


def augmented(
    batch: Mapping, augmentation: Callable | None, device: str | torch.device | None, non_blocking: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return image and label of a batch in float32 on the device, changed together; None changes nothing."""
    image, label = (torch.as_tensor(batch[key]).to(device, non_blocking=non_blocking).float() for key in ("image", "label"))
    return (image, label) if augmentation is None else augmentation(image, label)


def border_weights(mask: torch.Tensor, strength: float, width: float) -> torch.Tensor:
    """Return the weight of every voxel of masks ``(B, X, Y, Z)``."""
    reach = int(REACH * width) + 1
    distance = torch.where(mask, distance_to(~mask, reach), distance_to(mask, reach)) - 0.5
    weights = strength * torch.exp(-((distance / width) ** 2))
    has_target = mask.flatten(1).any(1)[:, None, None, None]
    return 1 + torch.where(has_target & (distance <= reach - 0.5), weights, 0)


def distance_to(mask: torch.Tensor, reach: int) -> torch.Tensor:
    """Return the Euclidean distance of every voxel of ``(B, X, Y, Z)`` to the nearest one of the mask, exact up to ``reach``.

    Squared distances, one axis after the other (Felzenszwalb and Huttenlocher, Theory of Computing 8:415, 2012).
    """
    squared = torch.where(mask, 0.0, float((2 * reach) ** 2))
    for axis in (1, 2, 3):
        sides = [side for i in (3, 2, 1) for side in ([reach] * 2 if i == axis else [0, 0])]
        padded = pad(squared, sides, value=float((2 * reach) ** 2))
        size = mask.shape[axis]
        best = squared.clone()
        for step in range(-reach, reach + 1):
            torch.minimum(best, padded.narrow(axis, reach + step, size) + step**2, out=best)
        squared = best
    return squared.sqrt()
