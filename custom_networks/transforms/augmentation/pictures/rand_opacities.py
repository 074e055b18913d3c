"""Disease in organs of a batch: consolidations and effusions of lungs, fat in muscles."""

from collections.abc import Sequence

import torch
from torch.nn.functional import interpolate

from .batch_transform import RandIntensity, draw
from .rand_intensities import gaussian_blur

SOFT = 2.0  # pixels over which an opacity fades at the border of an organ


class RandOpacities(RandIntensity):
    """Take parts of organs towards another tissue's brightness, as disease does; the labels stay.

    Half of the opacities are clouds, anywhere in the organ; the others fill it from its last row up, like an effusion. The anatomy
    under an opacity is what a reader infers, so the network learns to do so.

    Args:
        organs: for each organ its labels.
        brightness: quantile of a picture's intensities that an opacity tends to, smallest and largest.
        darken: whether an opacity may make darker too; in lungs it does not.
        prob: share of the pictures that get opacities.
    """

    def __init__(
        self,
        organs: Sequence[Sequence[int]],
        brightness: Sequence[float] = (0.6, 0.9),
        darken: bool = False,
        prob: float = 0.4,
    ) -> None:
        super().__init__(prob)
        self.organs, self.brightness, self.darken = [tuple(organ) for organ in organs], tuple(brightness), darken

    def change(self, image, label):
        low, high = torch.quantile(image.flatten(1)[:, ::7], torch.tensor(self.brightness, device=image.device), dim=1)
        target = low[:, None, None, None] + (high - low)[:, None, None, None] * draw(image, 0, 1)
        for labels in self.organs:
            organ = torch.isin(label, torch.tensor(labels, device=label.device)).float()
            shape = torch.where(draw(image, 0, 1) < 0.5, self._clouds(image), self._effusion(organ))
            weight = shape * gaussian_blur(organ, torch.full((len(image),), SOFT, device=image.device), SOFT)
            weight = weight * draw(image, 0.2, 0.95) * (draw(image, 0, 1) < 0.7)
            image = image + weight * (target - image if self.darken else (target - image).clamp_min(0))
        return image

    def _clouds(self, image: torch.Tensor) -> torch.Tensor:
        fields = [
            interpolate(
                torch.randn(len(image), 1, cells, cells, device=image.device), image.shape[2:], mode="bicubic", align_corners=True
            )
            for cells in (5, 12, 40)
        ]
        field = fields[0] + 0.6 * fields[1] + 0.25 * fields[2]
        return torch.sigmoid(6 * (field - draw(image, 0.0, 1.5)))

    def _effusion(self, organ: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(organ.shape[3], device=organ.device)
        columns = torch.arange(organ.shape[2], device=organ.device)[None, None, :, None] - organ.shape[2] / 2
        filled = organ.amax(2)[:, 0]  # (B, rows)
        top = torch.where(filled > 0, rows, organ.shape[3]).amin(1)[:, None, None, None]
        bottom = torch.where(filled > 0, rows, 0).amax(1)[:, None, None, None]
        level = bottom - (bottom - top) * draw(organ, 0, 0.6)
        tilt = draw(organ, -0.3, 0.3) * columns
        return torch.sigmoid((rows - level - tilt) / draw(organ, 1, 8))
