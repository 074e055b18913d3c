"""What another scanner, another protocol, or none of a sequence makes of a batch."""

import torch
from torch.nn.functional import avg_pool3d, interpolate

from ....data.patch_batches import sent
from .fields import BatchIntensity, BatchTransform, blur, smooth_field

SPREAD = 0.28  # standard deviation of a brain over its median, as of most FLAIR and T1 images
DARKEST = 0.02


class BatchBiasAndGamma(BatchIntensity):
    """Multiply by a smooth field and raise to a power, channel by channel, as if before the brain was normalised.

    Args:
        prob: probability that a patch is changed.
        bias: largest standard deviation of the field's logarithm.
        gamma: range of the exponent's logarithm.
    """

    def __init__(self, prob: float = 0.6, bias: float = 0.15, gamma: float = 0.4) -> None:
        super().__init__(prob=prob)
        self.bias, self.gamma = bias, gamma

    def change(self, part: dict) -> torch.Tensor:
        image = part["image"]
        field = torch.exp(smooth_field(image, self.R.randint(2, 4), 2) * self.uniform((0, self.bias), image, 2))
        return bias_and_gamma(image, field, torch.exp(self.uniform((-self.gamma, self.gamma), image, 2)))


class BatchRescale(BatchIntensity):
    """Scale and shift each channel, which stands for a brain normalised together with more or less beside it.

    Args:
        prob: probability that a patch is changed.
        scale: largest change of the scale's logarithm.
        shift: largest shift in standard deviations of the brain.
    """

    def __init__(self, prob: float = 0.8, scale: float = 0.3, shift: float = 0.4) -> None:
        super().__init__(prob=prob)
        self.scale, self.shift = scale, shift

    def change(self, part: dict) -> torch.Tensor:
        image = part["image"]
        scale = torch.exp(self.uniform((-self.scale, self.scale), image, 2))
        return image * scale + self.uniform((-self.shift, self.shift), image, 2)


class BatchResolution(BatchTransform):
    """Give patches thick slices along one axis, and blur them.

    Args:
        prob: probability that a patch is changed.
        thickest: largest number of voxels that one slice covers.
        sigma: largest standard deviation of the blur in voxels.
    """

    def __init__(self, prob: float = 0.4, thickest: int = 5, sigma: float = 0.9) -> None:
        super().__init__(prob=prob)
        self.thickest, self.sigma = thickest, sigma

    def __call__(self, batch: dict) -> dict:
        image = batch["image"].clone()
        for item in self.chosen(batch):
            channels = slice(None) if self.R.random() < 0.5 else slice(*([0, 1], [1, 2])[self.R.randint(2)])
            part = image[item : item + 1, channels]
            if self.R.random() < 0.6:
                part = thick_slices(part, 2 + self.R.randint(3), self.R.randint(2, self.thickest + 1))
            else:
                part = blur(part, self.R.uniform(0.4, self.sigma))
            image[item : item + 1, channels] = part
        return batch | {"image": image}


class BatchNoise(BatchIntensity):
    """Add normal noise, channel by channel, half of it with a grain of a few voxels.

    Args:
        prob: probability that a patch is changed.
        most: largest standard deviation.
    """

    def __init__(self, prob: float = 0.5, most: float = 0.3) -> None:
        super().__init__(prob=prob)
        self.most = most

    def change(self, part: dict) -> torch.Tensor:
        noise = torch.randn_like(part["image"])
        if self.R.random() < 0.5:
            noise = blur(noise, 0.7) * 2.2  # about the standard deviation that it had
        return part["image"] + noise * self.uniform((0.02, self.most), noise, 2)


class BatchOnlyFirst(BatchTransform):
    """Set all channels but the first to 0, so that a network learns to go without them; and nothing outside the brain.

    Args:
        prob: probability that a patch loses them.
    """

    def __init__(self, prob: float = 0.25) -> None:
        super().__init__(prob=prob)

    def __call__(self, batch: dict) -> dict:
        image = batch["image"] * batch["brain"]
        image[sent(self.chosen(batch), image.device), 1:] = 0
        return batch | {"image": image}


def bias_and_gamma(image: torch.Tensor, field: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    """Return ``(B, C, X, Y, Z)`` of median 0 and standard deviation 1 as it is after a field and an exponent before normalising."""
    plain = (1 + SPREAD * image).clamp(min=DARKEST) * field
    return (plain**gamma - 1) / (SPREAD * gamma)


def thick_slices(image: torch.Tensor, axis: int, thickness: int) -> torch.Tensor:
    """Average ``(B, C, X, Y, Z)`` over slices of some voxels along an axis (2 to 4) and interpolate back."""
    kernel = [thickness if number == axis else 1 for number in (2, 3, 4)]
    return interpolate(avg_pool3d(image, kernel, ceil_mode=True), image.shape[2:], mode="trilinear")
