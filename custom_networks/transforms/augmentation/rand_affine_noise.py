"""Random affine maps by noise on the matrix."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch.nn.functional import affine_grid, grid_sample


class RandAffineNoised(MapTransform, Randomizable):
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
        super().__init__(keys)
        if len(mode) != len(self.keys):
            raise ValueError(f"{len(self.keys)} keys need as many modes, got {len(mode)}.")
        self.scale, self.mode = scale, tuple(mode)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        theta = torch.eye(2, 3) + self.scale * torch.from_numpy(self.R.standard_normal((2, 3))).float()
        for key, mode in zip(self.keys, self.mode, strict=True):
            picture = torch.as_tensor(data[key])
            grid = affine_grid(theta[None], [1, *picture.shape], align_corners=False)
            data[key] = grid_sample(picture[None].float(), grid, mode=mode, align_corners=False)[0].to(picture.dtype)
        return data
