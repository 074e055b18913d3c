"""Resample volumes beside keys that are no volumes."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Spacingd


class SpacingVolumed(Spacingd):
    """MONAI's ``Spacingd`` that sees its own keys only.

    MONAI 1.6.1 takes every entry ``image_...`` of the data for a dictionary of meta data and fails at the ``image_path`` that MONAI
    Label passes. Arguments are those of ``Spacingd``.
    """

    def __call__(self, data: Mapping[Hashable, Any], **kwargs) -> dict[Hashable, Any]:
        volumes = {key: data[key] for key in self.key_iterator(dict(data))}
        return dict(data) | super().__call__(volumes, **kwargs)
