"""Random changes of contrast, sharpness and noise of a batch."""

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import conv2d, interpolate, pad

from .batch_transform import RandIntensity, draw, limits


class RandGamma(RandIntensity):
    """Raise intensities, scaled to [0, 1] within each picture, to a random power.

    Args:
        gamma: smallest and largest power, drawn evenly in its logarithm.
        prob: see `RandIntensity`.
    """

    def __init__(self, gamma: Sequence[float] = (0.5, 2.0), prob: float = 0.5) -> None:
        super().__init__(prob)
        self.gamma = tuple(gamma)

    def change(self, image, label):
        low, extent = limits(image)
        power = draw(image, *map(math.log, self.gamma)).exp()
        return ((image - low) / extent).clamp_min(0) ** power * extent + low


class RandCurve(RandIntensity):
    """Replace intensities by a random curve of them, piecewise linear, so that tissues get another contrast.

    Args:
        points: of the curve, its ends included.
        monotonic: share of the curves that only rise; the others turn contrasts round too, as other sequences do.
        prob: see `RandIntensity`.
    """

    def __init__(self, points: int = 6, monotonic: float = 1.0, prob: float = 0.3) -> None:
        super().__init__(prob)
        self.points, self.monotonic = points, monotonic

    def change(self, image, label):
        low, extent = limits(image)
        values = torch.rand(len(image), self.points, device=image.device)
        rising = torch.rand(len(image), 1, device=image.device) < self.monotonic
        values = torch.where(rising, values.sort(1).values, values)
        place = ((image - low) / extent).flatten(1) * (self.points - 1)
        lower = place.long().clamp(0, self.points - 2)
        start, end = values.gather(1, lower), values.gather(1, lower + 1)
        return (start + (end - start) * (place - lower)).view_as(image) * extent + low


class RandOffset(RandIntensity):
    """Add a number to all intensities of a picture.

    Args:
        offset: largest absolute number.
        prob: see `RandIntensity`.
    """

    def __init__(self, offset: float, prob: float = 1.0) -> None:
        super().__init__(prob)
        self.offset = offset

    def change(self, image, label):
        return image + draw(image, -self.offset, self.offset)


class RandBias(RandIntensity):
    """Multiply by a smooth field, as of a surface coil.

    Args:
        strength: standard deviation of the field's logarithm at most.
        cells: numbers drawn along each axis; in between the field is cubic.
        prob: see `RandIntensity`.
    """

    def __init__(self, strength: float = 0.4, cells: int = 4, prob: float = 0.4) -> None:
        super().__init__(prob)
        self.strength, self.cells = strength, cells

    def change(self, image, label):
        drawn = torch.randn(len(image), 1, self.cells, self.cells, device=image.device) * draw(image, 0, self.strength)
        low, _ = limits(image)
        return (image - low) * interpolate(drawn, image.shape[2:], mode="bicubic", align_corners=True).exp() + low


class RandBlur(RandIntensity):
    """Blur by a Gaussian, or sharpen by what a Gaussian takes away.

    Args:
        sigma: smallest and largest standard deviation in pixels.
        sharpen: 0 blurs; above it adds up to so many times what the blur takes away.
        prob: see `RandIntensity`.
    """

    def __init__(self, sigma: Sequence[float] = (0.3, 1.5), sharpen: float = 0.0, prob: float = 0.2) -> None:
        super().__init__(prob)
        self.sigma, self.sharpen = tuple(sigma), sharpen

    def change(self, image, label):
        blurred = gaussian_blur(image, draw(image, *self.sigma).flatten(), self.sigma[1])
        return image + draw(image, 0, self.sharpen) * (image - blurred) if self.sharpen else blurred


class RandNoise(RandIntensity):
    """Add Gaussian noise.

    Args:
        std: largest standard deviation, as a share of each picture's range.
        prob: see `RandIntensity`.
    """

    def __init__(self, std: float = 0.08, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.std = std

    def change(self, image, label):
        return image + torch.randn_like(image) * draw(image, 0, self.std) * limits(image)[1]


class RandResolution(RandIntensity):
    """Show pictures as if they had been taken with larger pixels. One size is drawn for a batch.

    Args:
        zoom: smallest and largest share of the pixels along each axis.
        prob: see `RandIntensity`.
    """

    def __init__(self, zoom: Sequence[float] = (0.3, 0.9), prob: float = 0.3) -> None:
        super().__init__(prob)
        self.zoom = tuple(zoom)

    def change(self, image, label):
        zooms = [self.zoom[0] + (self.zoom[1] - self.zoom[0]) * float(number) for number in torch.rand(2)]
        size = [max(2, round(side * zoom)) for side, zoom in zip(image.shape[2:], zooms, strict=True)]
        return interpolate(interpolate(image, size, mode="bilinear", antialias=True), image.shape[2:], mode="bilinear")


class RandInvert(RandIntensity):
    """Turn bright and dark round within each picture's range."""

    def change(self, image, label):
        low, extent = limits(image)
        return 2 * low + extent - image


class Normalize:
    """Bring every picture to mean 0 and standard deviation 1."""

    def __call__(self, image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        deviation = image.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
        return (image - image.mean((1, 2, 3), keepdim=True)) / deviation, label


class SelectLabel:
    """Make labels a mask of one of them, or of several."""

    def __init__(self, value: int | Sequence[int] = 1) -> None:
        self.values = (value,) if isinstance(value, int) else tuple(value)

    def __call__(self, image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return image, torch.isin(label, torch.tensor(self.values, device=label.device)).long()


def gaussian_blur(image: torch.Tensor, sigma: torch.Tensor, largest: float) -> torch.Tensor:
    """Blur every picture by its own Gaussian.

    Args:
        image: ``(B, C, H, W)``.
        sigma: ``(B,)``, in pixels.
        largest: largest possible sigma, which tells how far the kernels reach.
    """
    radius = min(max(1, math.ceil(3 * largest)), min(image.shape[2:]) - 1)
    place = torch.arange(-radius, radius + 1, device=image.device)
    kernel = torch.exp(-(place**2) / (2 * sigma[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(image.shape[1], 0)
    count = len(kernel)
    flat = pad(image.reshape(1, count, *image.shape[2:]), (radius,) * 4, mode="replicate")
    flat = conv2d(flat, kernel[:, None, :, None], groups=count)
    return conv2d(flat, kernel[:, None, None, :], groups=count).view_as(image)
