"""What is bright on FLAIR and no lesion: tissues of other scanners, flow in the ventricles, what skull-stripping left over."""

import torch

from .fields import BatchIntensity, blur, smooth_field

BLOB_POINTS = (4, 14)  # control points of the fields whose hills are blobs
EDGE = 3.0  # voxels, how deep what is left of the meninges reaches


class BatchTissueShift(BatchIntensity):
    """Brighten or darken FLAIR where T1 has a random value, outside lesions, everywhere or in blobs.

    T1 tells tissues apart: FLAIR gets ``height * exp(-((T1 - centre) / width)^2 / 2)`` added, so that cortex, deep gray matter or
    fluid become brighter or darker. What is left to tell a lesion by is where it lies, and its shape.

    Args:
        prob: probability that a patch is changed.
        height: range of the shift in standard deviations of the brain.
        centre: range of T1 values that are shifted most.
        width: range of the standard deviation around them.
        blobs: whether the shift is confined to random blobs.
    """

    def __init__(
        self,
        prob: float = 0.5,
        height: tuple[float, float] = (-0.6, 0.9),
        centre: tuple[float, float] = (-2.0, 0.5),
        width: tuple[float, float] = (0.3, 0.8),
        blobs: bool = False,
    ) -> None:
        super().__init__(prob=prob)
        self.height, self.centre, self.width, self.blobs = height, centre, width, blobs

    def change(self, part: dict) -> torch.Tensor:
        image = part["image"]
        height, centre, width = (self.uniform(limits, image) for limits in (self.height, self.centre, self.width))
        shift = tissue_shift(image, height, centre, width) * outside_lesions(part["label"], part["brain"])
        image[:, :1] += shift * self._blobs(image) if self.blobs else shift
        return image

    def _blobs(self, like: torch.Tensor) -> torch.Tensor:
        return blobs(smooth_field(like, self.R.randint(*BLOB_POINTS)), self.uniform((0.3, 1.5), like))


class BatchEdge(BatchIntensity):
    """Leave bright blobs along the border of the brain, in each channel by itself, as of meninges and vessels.

    Args:
        prob: probability that a patch is changed.
        height: range of their brightness in standard deviations of the brain.
    """

    def __init__(self, prob: float = 0.3, height: tuple[float, float] = (0.5, 4.0)) -> None:
        super().__init__(prob=prob)
        self.height = height

    def change(self, part: dict) -> torch.Tensor:
        brain = part["brain"]
        edge = brain * (blur(brain, EDGE) < self.uniform((0.55, 0.85), brain)) * outside_lesions(part["label"], brain)
        where = blobs(smooth_field(brain, self.R.randint(*BLOB_POINTS), 2), self.uniform((0.0, 1.5), brain, 2))
        return part["image"] + edge * where * self.uniform(self.height, brain, 2)


def tissue_shift(image: torch.Tensor, height: torch.Tensor, centre: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """Return what is added to FLAIR; image ``(B, 2, X, Y, Z)``, the others ``(B, 1, 1, 1, 1)``, result ``(B, 1, X, Y, Z)``."""
    return height * torch.exp(-(((image[:, 1:2] - centre) / width) ** 2) / 2)


def outside_lesions(label: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    """Return 1 in the brain, falling to 0 in lesions."""
    return brain * (1 - blur((label > 0).float(), 0.7))


def blobs(field: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Return 1 where a field rises over a level, with soft borders, 0 elsewhere."""
    return torch.sigmoid(6 * (field - level))
