"""What every reader tells of an image."""

from collections.abc import Iterable, Sequence

import numpy as np

Meta = dict[str, object]


def meta_data(affine: np.ndarray, shape: Sequence[int], remarks: Iterable[str] = (), **more) -> Meta:
    """Return MONAI's meta data of an array whose spatial axes come first.

    Args:
        affine: in RAS, 4x4, in mm or in the ``spatial_unit`` that ``more`` names.
        shape: of the array; a fourth axis holds channels.
        remarks: what was chosen or converted, for `LoadVolumed` to warn of.
        more: further entries.
    """
    return {
        "affine": affine.copy(),
        "original_affine": affine.copy(),
        "spatial_shape": np.asarray(shape[:3]),
        "original_channel_dim": "no_channel" if len(shape) < 4 else -1,
        "space": "RAS",
        "remarks": list(remarks),
        **more,
    }
