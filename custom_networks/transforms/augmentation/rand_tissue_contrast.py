"""Random tissue intensities from a label map, after SynthSeg."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import GaussianSmooth, MapTransform, RandomizableTransform
from monai.utils import convert_to_tensor


class RandTissueContrastd(RandomizableTransform, MapTransform):
    """Repaint an image with a random mean intensity for each tissue.

    Labelled tissues get intensities of their own. What carries no label is split at random quantiles of its
    intensity, and every part gets a new mean too, so that the surrounding anatomy stays real while its contrast
    becomes arbitrary. A part of the real texture is kept, and borders are blurred as by partial volume.

    Args:
        keys: images to repaint, ``(1, H, W)`` or ``(1, H, W, D)``.
        label_key: label map of the same shape.
        bright: label that is usually brighter than ``dark`` (gray matter in T2*-weighted images).
        dark: label of the surrounding tissue (white matter). Images without it are left as they are, since nothing
            is known then about the border of ``bright``.
        prob: probability to repaint.
        bright_prob: probability that ``bright`` really is the brighter one.
        contrast: range of the absolute difference of the two means; intensities span [0, 1].
        background_parts: range of the number of intensity parts without a label, both ends included.
        texture: range of the share of the real texture that is kept, in [0, 1].
        blur: range of the standard deviation of the blur in pixels.

    Reference:
        Billot et al.: SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without retraining.
        Medical Image Analysis 86, 2023.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_key: str,
        bright: int = 1,
        dark: int = 2,
        prob: float = 0.5,
        bright_prob: float = 0.9,
        contrast: tuple[float, float] = (0.06, 0.5),
        background_parts: tuple[int, int] = (2, 6),
        texture: tuple[float, float] = (0.0, 0.8),
        blur: tuple[float, float] = (0.3, 1.5),
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.bright, self.dark = label_key, bright, dark
        self.bright_prob = bright_prob
        self.contrast, self.background_parts, self.texture, self.blur = contrast, background_parts, texture, blur

    def randomize(self, data=None) -> None:
        super().randomize(None)
        random = self.R
        magnitude = random.uniform(*self.contrast)
        sign = 1.0 if random.rand() < self.bright_prob else -1.0
        lowest, highest = max(0.0, -sign * magnitude), min(1.0, 1.0 - sign * magnitude)
        self.dark_mean = random.uniform(lowest, highest)
        self.bright_mean = self.dark_mean + sign * magnitude
        parts = random.randint(self.background_parts[0], self.background_parts[1] + 1)
        self.quantiles = np.sort(random.uniform(0.0, 1.0, parts - 1))
        self.background_means = random.uniform(0.0, 1.0, parts)
        self.kept_texture = random.uniform(*self.texture)
        self.sigma = random.uniform(*self.blur)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize()
        label = data[self.label_key]
        if not self._do_transform or not bool((label == self.dark).any()):
            return data
        for key in self.key_iterator(data):
            data[key] = self._repaint(data[key], label)
        return data

    def _repaint(self, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        values = convert_to_tensor(image, track_meta=False, dtype=torch.float32)
        label = convert_to_tensor(label, track_meta=False)
        background = (label != self.bright) & (label != self.dark)
        regions = [(label == self.bright, self.bright_mean), (label == self.dark, self.dark_mean)]
        if bool(background.any()):
            edges = torch.quantile(values[background], torch.as_tensor(self.quantiles, dtype=torch.float32))
            part = torch.bucketize(values, edges)
            regions += [(background & (part == i), mean) for i, mean in enumerate(self.background_means)]
        spread = float(torch.quantile(values, 0.95) - torch.quantile(values, 0.05)) or 1.0
        painted = torch.zeros_like(values)
        for region, mean in regions:
            if bool(region.any()):
                texture = (values[region] - values[region].mean()) / spread
                painted[region] = float(mean) + self.kept_texture * texture
        painted = GaussianSmooth(sigma=(self.sigma, self.sigma) + (0.0,) * (values.ndim - 3))(painted)
        painted = convert_to_tensor(painted, track_meta=False)
        return (
            image.__class__(painted, meta=image.meta, applied_operations=image.applied_operations)
            if hasattr(image, "meta")
            else painted
        )
