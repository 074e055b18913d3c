"""Random intensities of tissues, after SynthSeg, for a batch."""

from collections.abc import Sequence

import torch

from .batch_transform import RandIntensity, draw
from .rand_intensities import RandCurve, gaussian_blur


class RandTissues(RandIntensity):
    """Repaint a bright and a dark tissue with means of their own, and what carries no label by a curve of its intensities.

    A part of the real texture stays, and borders are blurred as by partial volume. Pictures without the dark tissue are left as
    they are, since nothing is known then about the border of the bright one.

    Args:
        bright: label that is usually brighter than ``dark``, gray matter in T2*-weighted images.
        dark: label of the surrounding tissue, white matter.
        bright_prob: share in which ``bright`` really is the brighter one.
        contrast: smallest and largest difference of the two means; intensities span [0, 1].
        texture: smallest and largest share of the real texture that is kept.
        blur: smallest and largest standard deviation of the blur in pixels.
        prob: see `RandIntensity`.

    Reference:
        Billot et al.: SynthSeg. Medical Image Analysis 86, 2023.
    """

    def __init__(
        self,
        bright: int = 1,
        dark: int = 2,
        bright_prob: float = 0.9,
        contrast: Sequence[float] = (0.06, 0.5),
        texture: Sequence[float] = (0.0, 0.8),
        blur: Sequence[float] = (0.3, 1.5),
        prob: float = 0.3,
    ) -> None:
        super().__init__(prob)
        self.bright, self.dark, self.bright_prob = bright, dark, bright_prob
        self.contrast, self.texture, self.blur = tuple(contrast), tuple(texture), tuple(blur)
        self.background = RandCurve(points=7, monotonic=0.3, prob=1.0)

    def change(self, image, label):
        bright, dark = label == self.bright, label == self.dark
        difference = draw(image, *self.contrast) * torch.where(draw(image, 0, 1) < self.bright_prob, 1.0, -1.0)
        dark_mean = (-difference).clamp_min(0) + draw(image, 0, 1) * (1 - difference.abs())
        texture = draw(image, *self.texture)
        painted = self.background.change(image, label)
        for region, mean in ((bright, dark_mean + difference), (dark, dark_mean)):
            painted = torch.where(region, mean + texture * (image - masked_mean(image, region)), painted)
        painted = gaussian_blur(painted, draw(image, *self.blur).flatten(), self.blur[1])
        return torch.where(dark.flatten(1).any(1)[:, None, None, None], painted, image)


def masked_mean(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return each picture's mean under its mask, ``(B, 1, 1, 1)``; 0 where the mask is empty."""
    return (image * mask).sum((1, 2, 3), keepdim=True) / mask.sum((1, 2, 3), keepdim=True).clamp_min(1)
