"""Bring an augmented patch into the form of the network and its loss."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from scipy.ndimage import distance_transform_edt

from ...geometry.regions import box_of, grown

REACH = 2.5  # widths from the border, beyond which the extra weight is below 0.002 of its most


class VertebraTargetsd(MapTransform):
    """Put the memory beside the image and write the target as channels.

    ``image`` becomes ``(2, ...)``: CT and memory. ``label`` becomes ``(4, ...)``: target, weights of the voxels, completeness and
    number, the last two as constant channels like the network's. Weights are ``1 + strength * exp(-d^2 / width^2)``, with d the
    distance to the target's border in voxels; 1 everywhere where there is no target.

    Args:
        keys: image and label, as `RandVertebraPatchd` leaves them.
        strength: how much more a voxel at the border counts.
        width: how far from the border that reaches, in voxels; the paper's 6 at 1 mm.
    """

    def __init__(self, keys: KeysCollection, strength: float = 8.0, width: float = 6.0) -> None:
        super().__init__(keys)
        self.strength, self.width = strength, width

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        image_key, label_key = self.keys
        target, memory = (data[label_key] > 0.5).float()
        data[image_key] = torch.cat([torch.as_tensor(data[image_key]).float(), memory[None]])
        constants = [torch.full_like(target, data.pop(name)) for name in ("complete", "number")]
        data[label_key] = torch.stack([target, torch.from_numpy(self.weights(target.numpy() > 0)), *constants])
        return data

    def weights(self, target: np.ndarray) -> np.ndarray:
        """Return the weight of every voxel, float32, of the target's shape."""
        if not target.any():
            return np.ones(target.shape, np.float32)
        reach = int(np.ceil(REACH * self.width)) + 1
        box = grown(box_of(target), reach, target.shape)
        mask = target[box]
        distance = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask)) - 0.5
        weights = np.ones(target.shape, np.float32)
        weights[box] += self.strength * np.exp(-((distance / self.width) ** 2))
        return weights
