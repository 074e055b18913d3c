"""Remember where the brain is, and what a head with its skull looks like."""

import logging
from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

logger = logging.getLogger("axial")
LEAST_BACKGROUND = 0.05  # share of voxels that are 0 in any usual skull-stripped scan


class BrainMaskd(MapTransform):
    """Set ``mask_key`` to where any channel of an image is not 0; the log warns of scans that were not skull-stripped.

    Args:
        keys: images ``(C, X, Y, Z)``.
        mask_key: key of the mask ``(1, X, Y, Z)``, uint8; None only warns.
    """

    def __init__(self, keys: KeysCollection, mask_key: str | None = None) -> None:
        super().__init__(keys)
        self.mask_key = mask_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = torch.as_tensor(data[key])
            brain = (image != 0).any(0, keepdim=True)
            if float(brain.float().mean()) > 1 - LEAST_BACKGROUND:
                file = getattr(data[key], "meta", {}).get("filename_or_obj", "image")
                logger.warning("%s: no background of zeros; skull and scalp, if there, are taken for brain.", file)
            if self.mask_key is not None:
                data[self.mask_key] = brain.to(torch.uint8).as_subclass(torch.Tensor)
        return data
