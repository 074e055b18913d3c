"""Images of heads of any contrast, from label maps."""

import numpy as np
import torch

from ....data.head_labels import PAIRS
from .fields import BatchTransform, blur, smooth_field
from .scanners import thick_slices

CODES = 256
AIR = 0
SHARES = (0.01, 0.99)  # quantiles that become 0 and 1


class BatchHeads(BatchTransform):
    """Draw an image from each patch of labels and make the brain the label, as SynthStrip and SynthSeg do.

    Every label gets a random mean and spread, the two sides of the head mostly the same ones; then come a bias field, a random
    resolution, gamma and noise. Some heads have no skull, as images that were stripped before.

    Args:
        stripped: probability that all beside the brain is black.
        bias: largest standard deviation of the bias field's logarithm.
        thickest: largest number of voxels that one slice covers.

    Reference:
        Hoopes et al.: SynthStrip: skull-stripping for any brain image. NeuroImage 260:119474, 2022.
    """

    def __init__(self, stripped: float = 0.1, bias: float = 0.4, thickest: int = 4) -> None:
        super().__init__(prob=1.0)
        self.stripped, self.bias, self.thickest = stripped, bias, thickest

    def __call__(self, batch: dict) -> dict:
        codes, brain = batch["label"].round().long(), batch["brain"]
        means, spreads = (torch.tensor(table, dtype=torch.float32, device=codes.device) for table in self._tables(len(codes)))
        flat = codes.flatten(1)
        image = (means.gather(1, flat) + spreads.gather(1, flat) * torch.randn(flat.shape, device=codes.device)).reshape(
            codes.shape
        )
        for item in np.flatnonzero(self.R.random(len(codes)) < self.stripped):
            image[item] = image[item] * brain[item]
        image = blur(image, self.R.uniform(0.3, 0.8))
        image = image * torch.exp(smooth_field(image, self.R.randint(2, 5)) * self.uniform((0, self.bias), image))
        for item in range(len(image)):
            if self.R.random() < 0.5:
                image[item : item + 1] = thick_slices(
                    image[item : item + 1], 2 + self.R.randint(3), self.R.randint(2, self.thickest + 1)
                )
        image = scale_by_quantiles(image + torch.randn_like(image) * self.uniform((0, 0.05), image))
        image = image.clamp(min=0) ** torch.exp(self.uniform((-0.6, 0.6), image))
        return {"image": image, "label": brain, "brain": brain}

    def _tables(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and spread of every label, ``(count, CODES)``."""
        means, spreads = self.R.uniform(0.05, 1, (count, CODES)), self.R.uniform(0, 0.12, (count, CODES))
        for item in range(count):
            if self.R.random() < 0.8:
                for left, right in PAIRS.items():
                    means[item, right], spreads[item, right] = means[item, left], spreads[item, left]
            if self.R.random() < 0.5:  # as on most images, gray matter is like gray matter
                means[item, [8, 17, 18, 10, 11, 12, 26]] = means[item, 3] * self.R.uniform(0.85, 1.15, 7)
                means[item, [7, 28, 16]] = means[item, 2] * self.R.uniform(0.9, 1.1, 3)
                for left, right in PAIRS.items():
                    means[item, right] = means[item, left]
            if self.R.random() < 0.9:
                means[item, AIR], spreads[item, AIR] = self.R.uniform(0, 0.05), self.R.uniform(0, 0.03)
        return means, spreads


def scale_by_quantiles(image: torch.Tensor) -> torch.Tensor:
    """Bring the quantiles `SHARES` of each image ``(B, C, X, Y, Z)`` to 0 and 1, and cut off what lies beyond."""
    ordered = image[:, :, ::2, ::2, ::2].flatten(1).sort(1).values
    low, high = (ordered[:, int(share * (ordered.shape[1] - 1))].reshape(-1, 1, 1, 1, 1) for share in SHARES)
    return ((image - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
