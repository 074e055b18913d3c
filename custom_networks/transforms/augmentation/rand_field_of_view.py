"""Cut a scan to a field of view around one vertebra."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from ...geometry.regions import vertebra_boxes


class RandFieldOfViewd(RandomizableTransform, MapTransform):
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
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.side_prob, self.spacing = side_prob, spacing
        self.margins = (across, across, along)

    def randomize(self, labels: torch.Tensor) -> None:
        """Draw the field around a vertebra of a label map ``(X, Y, Z)``, None where nothing is cut."""
        super().randomize(None)
        self.field = None
        boxes = list(vertebra_boxes(np.asarray(labels).astype(np.uint8)).values()) if self._do_transform else []
        if boxes:
            box = boxes[self.R.randint(len(boxes))]
            sides = zip(box, labels.shape, self.margins, strict=True)
            self.field = tuple(self._side(part, size, margin) for part, size, margin in sides)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize(data[self.keys[1]][0])
        if self.field is not None:
            data |= {key: data[key][(slice(None), *self.field)] for key in self.keys}
        return data

    def _side(self, part: slice, size: int, margin: Sequence[float]) -> slice:
        """Return the field along one axis; never empty, as margins are bounded by a third of the vertebra."""
        least = -((part.stop - part.start) // 3)
        low, high = (max(least, round(self.R.uniform(*margin) / self.spacing)) for _ in range(2))
        cut_low, cut_high = self.R.random(2) < self.side_prob
        return slice(max(0, part.start - low) if cut_low else 0, min(size, part.stop + high) if cut_high else size)
