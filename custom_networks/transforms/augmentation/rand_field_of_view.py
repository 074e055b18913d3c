"""Cut a scan to a field of view around one vertebra."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable

from ...geometry.regions import vertebra_boxes


class RandFieldOfViewd(MapTransform, Randomizable):
    """Crop image and label map to a random box around a random vertebra.

    Reconstructions of a few vertebrae show no ribs, no pelvis and little soft tissue, and cut the neighbours. Nothing in whole
    scans teaches to number and to separate vertebrae there.

    Args:
        keys: image and label, in this order; ``(1, X, Y, Z)`` in RAS, labels are VerSe numbers.
        prob: probability that a scan is cut.
        side_prob: probability that a side of the box cuts, rather than lies at the scan's own border.
        across: least and most distance in mm from the vertebra's bounding box to the sides left, right, front and back.
        along: the same to the lower and upper side; below 0 the vertebra itself is cut.
        spacing: isotropic spacing in mm.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.3,
        side_prob: float = 0.7,
        across: Sequence[float] = (0.0, 40.0),
        along: Sequence[float] = (-10.0, 50.0),
        spacing: float = 1.0,
    ) -> None:
        super().__init__(keys)
        self.prob, self.side_prob, self.spacing = prob, side_prob, spacing
        self.margins = (across, across, along)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        image_key, label_key = self.keys
        if self.R.random() >= self.prob:
            return data
        labels = np.asarray(data[label_key][0]).astype(np.uint8)
        boxes = list(vertebra_boxes(labels).values())
        if not boxes:
            return data
        box = boxes[self.R.randint(len(boxes))]
        sides = zip(box, labels.shape, self.margins, strict=True)
        field = (slice(None), *(self._side(part, size, margin) for part, size, margin in sides))
        return data | {image_key: data[image_key][field], label_key: data[label_key][field]}

    def _side(self, part: slice, size: int, margin: Sequence[float]) -> slice:
        """Return the field along one axis; never empty, as margins are bounded by a third of the vertebra."""
        least = -(part.stop - part.start) // 3
        low, high = (max(least, round(self.R.uniform(*margin) / self.spacing)) for _ in range(2))
        cut_low, cut_high = self.R.random(2) < self.side_prob
        return slice(max(0, part.start - low) if cut_low else 0, min(size, part.stop + high) if cut_high else size)
