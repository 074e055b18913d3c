import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom_networks.heads.brain_extraction import BrainExtractor
from custom_networks.heads.raw_heads import RawHeads


class BrightIsBrain(torch.nn.Module):
    """An oracle: what is brighter than three quarters of the range."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros_like(image), 20 * (image - 0.75)], 1)


@pytest.fixture
def extractor(tmp_path) -> BrainExtractor:
    torch.save(BrightIsBrain().state_dict(), tmp_path / "brain.pt")
    return BrainExtractor(BrightIsBrain(), tmp_path / "brain.pt", precision="float32")


@pytest.fixture
def heads(extractor) -> RawHeads:
    return RawHeads(extractor)


def head(spacing=(4.0, 4.0, 5.0), scalp: float = 0.5, inside: float = 1.0, seed: int = 0) -> tuple[MetaTensor, np.ndarray]:
    """A brain of 900 ml with a texture, an empty skull and a scalp, none of them symmetric; image ``(1, X, Y, Z)`` and brain."""
    shape = np.round(np.array([220, 240, 216]) / spacing).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -np.array(spacing) * shape / 2
    x, y, z = np.meshgrid(*[affine[i, i] * np.arange(n) + affine[i, 3] for i, n in enumerate(shape)], indexing="ij")
    radius = np.sqrt((x / 55) ** 2 + ((y - 5) / 66) ** 2 + ((z + 0.1 * y) / 59) ** 2)
    texture = 0.1 * (np.sin(x / 13) + np.cos(y / 11) * np.sin(z / 12)) + 0.1 * (y > 20) * (x > 5)
    image = np.where(radius < 1, inside + texture, 0) + scalp * ((radius > 1.15) & (radius < 1.3))
    image += np.random.default_rng(seed).normal(0, 0.004, image.shape)
    return MetaTensor(torch.from_numpy(500 * image.clip(0)).float()[None], affine=affine), radius < 1
