"""Make of images with skull what the networks for brains expect."""

import logging

import numpy as np
import torch
from monai.data import MetaTensor
from scipy import ndimage

from ..geometry.regions import largest_piece
from .bias import correct_bias
from .brain_extraction import BrainExtractor
from .itk_images import is_rectangular
from .registration import register_rigid

logger = logging.getLogger("axial")
LEAST_BRAIN = 500.0  # ml; below, no head was seen
LEAST_ZEROS = 0.05  # of the voxels, in any image that was stripped
BRIGHT = 95  # percentile of the voxels that are not 0
# Median of the voxels next to zeros, over `BRIGHT`, from which they are cut through a brain. Where a scanner ends its air it is
# below 0.02 (4 images of 2 patients), where a brain was stripped above 0.07 (11 images).
CUT_EDGE = 0.04
MOST_MOVED = 60.0  # mm between two sequences of one session; a registration that found more has failed
FLUID = 0.4  # of the brain's median on FLAIR, below which fluid, bone and air are
MUCH_LOST = 0.25  # of the brain, cut off as dark, above which a coil's shading is likelier than fluid and bone
RIM = 8.0  # mm from the border of a brain, how far these are cut off; they would set the scale that the brain is brought to


class RawHeads:
    """Tell heads with skull from stripped brains, lay sequences over each other, cut the brain out, correct the bias field.

    Args:
        extractor: finds the brain.
        bias: whether the bias field is corrected.
    """

    def __init__(self, extractor: BrainExtractor, bias: bool = True) -> None:
        self.extractor, self.bias = extractor, bias

    def find_brain(self, image: MetaTensor) -> np.ndarray | None:
        """Return the mask of the brain ``(X, Y, Z)`` of a head with skull ``(1, X, Y, Z)``, None for any other image.

        What is dark along its border and open to the outside, the fluid around the brain and bone, is no part of it.
        """
        values = np.asarray(torch.as_tensor(image)[0], np.float32)
        if values.ndim != 3 or min(values.shape) < 2 or not np.isfinite(values).all() or values.max() <= values.min():
            return None
        if is_cut_out(values):
            return None
        spacing = np.linalg.norm(np.asarray(image.affine, float)[:3, :3], axis=0)
        if spacing.min() <= 0 or values.size * np.prod(spacing) / 1000 < LEAST_BRAIN:
            return None
        whole = self.extractor(image)
        brain = without_dark_rim(whole, values, spacing)
        kept = np.count_nonzero(brain)
        lost = 1 - kept / max(np.count_nonzero(whole), 1)
        if lost > MUCH_LOST:
            logger.warning("%.0f %% of the brain lie dark along its border and were cut off; look at the result.", 100 * lost)
        return brain if kept * np.prod(spacing) / 1000 >= LEAST_BRAIN else None

    def aligned(self, moving: MetaTensor, fixed: MetaTensor, name: str) -> MetaTensor:
        """Return an image with the affine that lays it over another one of the same head; its values stay."""
        affines = [np.asarray(image.affine, float) for image in (fixed, moving)]
        if not all(is_rectangular(affine) for affine in affines):
            logger.warning("%s: axes are not at right angles; not registered.", name)
            return moving
        arrays = [np.asarray(torch.as_tensor(image)[0], np.float32) for image in (fixed, moving)]
        try:
            matrix = register_rigid(arrays[0], affines[0], arrays[1], affines[1])
        except (ImportError, RuntimeError) as error:  # elastix raises RuntimeError where images hardly overlap
            logger.warning("%s: not registered (%s); its position is taken from its header.", name, str(error).splitlines()[-1])
            return moving
        centre = np.append(affines[0][:3] @ [*(np.array(arrays[0].shape) / 2), 1], 1)
        moved = float(np.linalg.norm((matrix @ centre - centre)[:3]))
        if moved > MOST_MOVED:
            logger.warning("%s: registration moved it by %.0f mm and is not used.", name, moved)
            return moving
        logger.info("%s: registered; moved by %.1f mm in the middle of the head.", name, moved)
        return MetaTensor(torch.as_tensor(moving), affine=np.linalg.inv(matrix) @ affines[1], meta=dict(moving.meta))

    def stripped(self, channels: torch.Tensor, brain: np.ndarray, affine: np.ndarray) -> torch.Tensor:
        """Return channels ``(C, X, Y, Z)`` with the bias field corrected and 0 outside the brain."""
        affine, result = np.asarray(affine, float), []
        for channel in channels.numpy():
            usable = self.bias and is_rectangular(affine) and bool((channel[brain] > 0).mean() > 0.5)
            values = correct_bias(np.maximum(channel, 0), affine, brain & (channel > 0)) if usable else channel
            result.append(torch.from_numpy(np.where(brain, values, 0).astype(np.float32)))
        return torch.stack(result)


def without_dark_rim(brain: np.ndarray, values: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return a mask without the voxels near its border that are dark on FLAIR and joined with the outside by such.

    What only these joined with the rest, such as marrow behind the fluid, goes with them.

    Args:
        brain: mask ``(X, Y, Z)``.
        values: FLAIR, of that shape.
        spacing: mm, of all axes.
    """
    if not brain.any():
        return brain
    depth = ndimage.distance_transform_edt(np.pad(brain, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    dark = brain & (values < FLUID * np.median(values[brain])) & (depth <= RIM)
    return largest_piece(brain & ~ndimage.binary_propagation(~brain, mask=~brain | dark))[0]


def is_cut_out(values: np.ndarray) -> bool:
    """Tell whether the zeros of an image ``(X, Y, Z)`` begin where tissue ends, as after skull-stripping, and not in the air."""
    zeros = values == 0
    if zeros.mean() < LEAST_ZEROS:
        return False
    edge = ~zeros & ndimage.binary_dilation(zeros)
    bright = float(np.percentile(values[~zeros], BRIGHT)) if not zeros.all() else 0.0  # noise of the air may be most of it
    return bright > 0 and float(np.median(np.abs(values[edge]))) > CUT_EDGE * bright
