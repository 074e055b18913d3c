"""Find the brain in an image of a head."""

from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import DivisiblePad, Orientation, ResampleToMatch, Spacing
from scipy import ndimage

from ..geometry.regions import largest_piece
from ..inferers.autocast_inferer import AutocastInferer
from ..networks.helper_weights import load_helper
from ..transforms.augmentation.volumes.heads import scale_by_quantiles

FACTOR = 32  # twice that by which the network divides the sides of its input, as one voxel cannot be normalised
ANTI_ALIAS = 0.35  # standard deviation of the blur over the new spacing


class BrainExtractor:
    """A 3D network, trained on images synthesised from label maps, that knows brains in images of any contrast.

    Args:
        network: of one channel and two classes.
        path: its weights, a raw state dict; read when they are first needed.
        device: where it runs.
        spacing: of its input in mm.
        precision: see `half_type`.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        path: str | Path,
        device: torch.device | str = "cpu",
        spacing: float = 2.0,
        precision: str = "auto",
    ) -> None:
        self.network, self.path, self.device, self.spacing = network, Path(path), torch.device(device), spacing
        self.inferer, self._loaded = AutocastInferer(precision, channels_last=False), False

    def __call__(self, image: MetaTensor) -> np.ndarray:
        """Return the mask of the brain, boolean ``(X, Y, Z)``, of an image ``(1, X, Y, Z)``; empty where no brain is found."""
        if not self._loaded:
            self.network, self._loaded = load_helper(self.network, self.path).to(self.device), True
        small = Spacing([self.spacing] * 3, mode="bilinear")(Orientation("RAS", labels=None)(self._smoothed(image)))
        padded = DivisiblePad(FACTOR)(small)
        with torch.no_grad():
            batch = scale_by_quantiles(torch.as_tensor(padded).as_subclass(torch.Tensor)[None].float()).to(self.device)
            probability = torch.softmax(self.inferer(batch, self.network), 1)[0, 1:].cpu()
        back = ResampleToMatch(mode="bilinear", padding_mode="zeros")(MetaTensor(probability, affine=padded.affine), image)
        brain, _ = largest_piece(np.asarray(back[0]) > 0.5)
        return ndimage.binary_fill_holes(brain)

    def _smoothed(self, image: MetaTensor) -> MetaTensor:
        spacing = np.linalg.norm(np.asarray(image.affine, float)[:3, :3], axis=0)
        sigma = np.where(spacing < self.spacing, ANTI_ALIAS * self.spacing / spacing, 0)
        array = ndimage.gaussian_filter(np.asarray(image[0], np.float32), sigma)
        return MetaTensor(torch.from_numpy(array)[None], affine=image.affine)
