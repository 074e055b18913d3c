"""Let the slices of a stack have a say in what their neighbours show."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform


class SmoothSlicesd(MapTransform):
    """Take the mean of probabilities over neighbouring slices, weighted by a Gaussian of their distance.

    A network that sees one slice alone errs in each in another way; muscles go on. At the ends of a stack the weights of the slices
    that are there count alone. A single slice stays as it is, and so do slices far apart.

    Args:
        keys: probabilities ``(C, X, Y, Z)``.
        sigma: standard deviation in mm; 0 leaves all as it is.
        image_key: volume on the same slices, whose affine tells how far apart they are.
    """

    def __init__(self, keys: KeysCollection, sigma: float, image_key: str = "image") -> None:
        super().__init__(keys)
        if sigma < 0:
            raise ValueError(f"sigma must not be negative, got {sigma}.")
        self.sigma, self.image_key = sigma, image_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        if not self.sigma:
            return data
        spacing = float(torch.as_tensor(data[self.image_key].affine)[:3, 2].norm())
        for key in self.key_iterator(data):
            data[key] = data[key] @ slice_weights(data[key].shape[-1], spacing / self.sigma).to(data[key])
        return data


def slice_weights(count: int, step: float) -> torch.Tensor:
    """Return a matrix whose column N holds the weights of all slices in slice N, of sum 1.

    Args:
        count: of slices.
        step: between two, in standard deviations.
    """
    place = torch.arange(count, dtype=torch.float64)
    weights = torch.exp(-(((place[:, None] - place) * step) ** 2) / 2)
    return weights / weights.sum(0)
