"""Warn where a CT is not in Hounsfield units."""

import logging
from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

logger = logging.getLogger("axial")


class CheckHounsfieldd(MapTransform):
    """Warn of images that hold no value below 0: fat has -100 HU and air -1000, so these are other units, or no CT.

    Args:
        keys: images with meta data.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> Mapping[Hashable, torch.Tensor]:
        for key in self.key_iterator(data):
            least = float(data[key].min())
            if least >= 0:
                file = data[key].meta.get("filename_or_obj", "image")
                logger.warning(
                    "%s: the least value is %g, so these are hardly Hounsfield units; the result may be wrong.", file, least
                )
        return data
