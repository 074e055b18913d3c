"""Random affine maps by noise on the matrix."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from torch.nn.functional import affine_grid, grid_sample


class RandAffineNoised(RandomizableTransform, MapTransform):
    """Sample pictures by an affine map, the identity plus normal noise on all six entries.

    The map takes coordinates of the result to those of the picture, both from -1 to 1; what lies beyond the picture is 0. So
    rotation, scale, shear and shift (by ``scale`` half sides) come from one number.

    Args:
        keys: pictures ``(C, H, W)`` of one size.
        scale: standard deviation of the noise.
        mode: ``"bilinear"`` or ``"nearest"`` for every key.

    Reference:
        Learning unit on image segmentation, Institute of Medical Informatics, University of Lübeck (seed 004).
    """

    def __init__(self, keys: KeysCollection, scale: float = 0.1, mode: Sequence[str] = ("bilinear", "nearest")) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self)
        if len(mode) != len(self.keys):
            raise ValueError(f"{len(self.keys)} keys need as many modes, got {len(mode)}.")
        self.scale, self.mode = scale, tuple(mode)

    def randomize(self, data=None) -> None:
        self.theta = torch.eye(2, 3) + self.scale * torch.from_numpy(self.R.standard_normal((2, 3))).float()

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize()
        for key, mode in zip(self.keys, self.mode, strict=True):
            data[key] = sample_affine(torch.as_tensor(data[key]), self.theta, mode)
        return data


def sample_affine(picture: torch.Tensor, theta: torch.Tensor, mode: str) -> torch.Tensor:
    """Sample a picture ``(C, H, W)`` by an affine map ``(2, 3)`` of coordinates from -1 to 1; zeros beyond it."""
    grid = affine_grid(theta[None], [1, *picture.shape], align_corners=False)
    return grid_sample(picture[None].float(), grid, mode=mode, align_corners=False)[0].to(picture.dtype)
