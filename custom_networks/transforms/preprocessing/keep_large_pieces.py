"""Which pieces of a mask are too small to be part of it."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from scipy import ndimage


class KeepLargePiecesd(MapTransform):
    """Make background of every piece of a class that is small beside the largest piece of that class.

    Args:
        keys: label maps ``(1, X, Y)`` or ``(1, X, Y, Z)``; voxels with a common face are of one piece.
        share: of the largest piece's voxels that a piece must have; 0 keeps all.
    """

    def __init__(self, keys: KeysCollection, share: float) -> None:
        super().__init__(keys)
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in [0, 1], got {share}.")
        self.share = share

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data) if self.share else ():
            labels = torch.as_tensor(data[key])[0].round().int().cpu().numpy()
            small = torch.from_numpy(small_pieces(labels, self.share))[None].to(data[key].device)
            data[key] = data[key].masked_fill(small, 0)
        return data


def small_pieces(labels: np.ndarray, share: float) -> np.ndarray:
    """Return where a label map ``(X, Y, ...)`` shows a piece of less than ``share`` of its class's largest piece."""
    small = np.zeros(labels.shape, bool)
    for value, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        pieces, _ = ndimage.label(labels[box] == value)
        sizes = np.bincount(pieces.ravel())[1:]
        small[box] |= np.isin(pieces, np.flatnonzero(sizes < share * sizes.max()) + 1)
    return small
