"""Which pieces of a lung's mask are the lung."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from scipy import ndimage

INSIDE = 0.7  # share of a piece that must lie in the columns of the lung
REACH = 0.02  # of the picture's side, how far from a clavicle a piece or the lung may end


class KeepLungPiecesd(MapTransform):
    """Keep of every lung its largest piece, and another one only where a clavicle parts it from that one.

    Clavicles are drawn over lungs, so the apex of a lung may be a piece of its own above a clavicle. It lies in the columns of the
    lung, and a clavicle touches both. What else is taken for lung, on a shoulder, on the neck or beside the patient, becomes
    background.

    Args:
        keys: label maps ``(1, columns, rows, 1)`` or ``(1, columns, rows)``.
        lungs: labels of the lungs.
        clavicles: labels of the clavicles; without any only the largest piece stays.
    """

    def __init__(self, keys: KeysCollection, lungs: Sequence[int] = (1, 2), clavicles: Sequence[int] = (4, 5)) -> None:
        super().__init__(keys)
        self.lungs, self.clavicles = tuple(lungs), tuple(clavicles)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            labels = torch.as_tensor(data[key])[0].byte().cpu().numpy()
            steps = max(1, round(REACH * max(labels.shape)))
            stray = np.zeros(labels.shape, bool)
            for body in ndimage.find_objects((labels > 0).view(np.uint8)):
                for lung in self.lungs:
                    stray[body] |= stray_pieces(labels[body], lung, self.clavicles, steps)
            data[key] = data[key].masked_fill(torch.from_numpy(stray)[None].to(data[key].device), 0)
        return data


def stray_pieces(labels: np.ndarray, label: int, bones: Sequence[int], steps: int) -> np.ndarray:
    """Return what of a lung's mask is no part of it.

    Args:
        labels: label map ``(columns, rows, ...)``.
        label: of the lung.
        bones: labels of the clavicles.
        steps: pixels from a clavicle that a piece or the lung may end.
    """
    lung = labels == label
    pieces, count = ndimage.label(lung)
    if count < 2:
        return np.zeros_like(lung)
    clavicles, _ = ndimage.label(np.isin(labels, bones))
    largest = int(ndimage.sum_labels(lung, pieces, range(1, count + 1)).argmax()) + 1
    columns = ndimage.binary_dilation((pieces == largest).any(tuple(range(1, lung.ndim))), iterations=steps)

    touching: dict[int, set[int]] = {}
    for clavicle, box in enumerate(ndimage.find_objects(clavicles), 1):
        wider = tuple(slice(max(0, side.start - steps), side.stop + steps) for side in box)
        near = ndimage.distance_transform_edt(clavicles[wider] != clavicle) <= steps
        for number in np.unique(pieces[wider][near]).tolist():
            touching.setdefault(number, set()).add(clavicle)
    kept = [largest]
    for number in range(1, count + 1):
        inside = (pieces == number)[columns].sum() / (pieces == number).sum()
        if inside >= INSIDE and touching.get(number, set()) & touching.get(largest, set()):
            kept.append(number)
    return lung & ~np.isin(pieces, kept)
