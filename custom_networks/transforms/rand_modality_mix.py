"""Other contrasts between tissues, from the images that are there."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable


class RandModalityMixd(MapTransform, Randomizable):
    """Add a random multiple of one modality to another.

    How bright gray matter is beside white matter on FLAIR differs between scanners, and one patient shows one such contrast only.
    T1 tells the two tissues apart, so FLAIR plus a multiple of T1 has another contrast between them, while lesions and textures
    stay real. Each channel becomes a sum of itself and of the others with weights drawn from ``[-strength, strength]``, divided by
    the length of the weights, so that its standard deviation stays near 1. Background, 0 in all channels, stays 0.

    Args:
        keys: patches ``(C, X, Y, Z)``, mean 0 and standard deviation 1 in the brain, 0 outside.
        prob: probability that a patch is changed.
        strength: largest weight of another channel, one for each channel.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.5, strength: tuple[float, ...] = (0.6, 0.3)) -> None:
        super().__init__(keys)
        self.prob, self.strength = prob, tuple(strength)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        if self.R.random() >= self.prob:
            return data
        for key in self.key_iterator(data):
            image = data[key]
            weights = torch.eye(len(image), dtype=image.dtype)
            for channel, strength in enumerate(self.strength):
                others = [index for index in range(len(image)) if index != channel]
                weights[channel, others] = torch.tensor(self.R.uniform(-strength, strength, len(others)), dtype=image.dtype)
            weights = weights / weights.norm(dim=1, keepdim=True)
            data[key] = torch.einsum("dc,cxyz->dxyz", weights, image)
        return data
