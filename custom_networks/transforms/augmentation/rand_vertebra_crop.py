"""Draw the crops by which the network of levels learns which vertebra each instance is."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy.ndimage import binary_erosion, maximum_filter

from ...geometry.regions import box_of, vertebra_boxes
from ...vertebrae.crops import MOST, OUTSIDE, SIZE, SPACING, crop_pair
from ...vertebrae.kinds import KINDS, NO_VERTEBRA, UNKNOWN, kinds_in_view

ENDS = ("C1", "last cervical", "first thoracic", "last thoracic", "first lumbar", "last lumbar")
OFTEN = tuple(KINDS.index(name) for name in ENDS)
BONE, FALSE = 0.2, 200  # kHU and code of what may be taken for a vertebra
LEAST = 1000.0  # mm3, least instance, as that of the search


class RandVertebraCropd(RandomizableTransform, MapTransform):
    """Cut a crop around one vertebra of a scan, and say which vertebrae its instances are.

    Written are ``image`` (CT), ``label`` (index of the instance, from 1 on from top to bottom, 0 for none), and for up to 20
    instances ``number`` (VerSe's, 0 for what is none) and ``kind`` (place in `KINDS`, -1 where the scan does not tell it, and for
    what the crop's upper or lower face cuts). Vertebrae at the ends of regions are drawn twice as often. As masks of a search are
    not perfect, they are worn, cut, or grown together; some are missing; the field of view may end anywhere; some instances are
    bone that is no vertebra.

    Args:
        keys: image in kHU and label, in this order; ``(1, X, Y, Z)`` in RAS, labels are VerSe numbers.
        size: of the crop in voxels.
        spacing: isotropic spacing in mm.
        field_prob: probability that the field of view is cut around the vertebra; each side then with ``side_prob``.
        side_prob: see ``field_prob``.
        across: least and most distance in mm from the vertebra's box to sides left, right, front and back.
        along: the same to the lower and upper side; below 0 the vertebra itself is cut.
        worn_prob: probability of each kind of wear.
        jitter: most distance in voxels of the crop's centre from the vertebra's, along each axis.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: Sequence[int] = SIZE,
        spacing: float = SPACING,
        field_prob: float = 0.6,
        side_prob: float = 0.5,
        across: Sequence[float] = (0.0, 60.0),
        along: Sequence[float] = (-8.0, 80.0),
        worn_prob: float = 0.2,
        jitter: float = 3.0,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self)
        self.size, self.spacing, self.margins = tuple(size), spacing, (across, across, along)
        self.field_prob, self.side_prob, self.worn_prob, self.jitter = field_prob, side_prob, worn_prob, jitter

    def randomize(self, kinds: Mapping[int, int]) -> None:
        """Draw the vertebra, None in a scan without any, and the crop's distance from it; ``kinds`` are those of all vertebrae."""
        self.chosen = None
        if kinds:
            weights = np.array([2.0 if kind in OFTEN else 1.0 for kind in kinds.values()])
            self.chosen = int(self.R.choice(list(kinds), p=weights / weights.sum()))
        self.shift = self.R.uniform(-self.jitter, self.jitter, 3)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        image_key, label_key = self.keys
        image, labels = data[image_key][0], data[label_key][0].to(torch.uint8)
        boxes = vertebra_boxes(labels.numpy())
        kinds = kinds_in_view(set(boxes))
        self.randomize(kinds)
        chosen, centre = self.chosen, np.array(image.shape) / 2
        if chosen:
            centre = np.argwhere(labels[boxes[chosen]].numpy() == chosen).mean(0) + [part.start for part in boxes[chosen]]
        ct, codes = (part.numpy() for part in crop_pair(image, labels, centre + self.shift, self.size))
        cut = {int(code) for code in np.unique(codes[..., [0, -1]])}
        known = {code: (code, kind) if code not in cut else (0, UNKNOWN) for code, kind in kinds.items()}
        known[FALSE] = (0, NO_VERTEBRA)
        self._wear(ct, codes, known)
        if chosen and (codes == chosen).any():
            self._cut_field(ct, codes, chosen)
        index, order = self._ordered(codes)
        told = np.array([known[code] for code in order] + [(0, UNKNOWN)] * (MOST - len(order)))
        data[image_key], data[label_key] = (torch.from_numpy(part[None].astype(np.float32)) for part in (ct, index))
        return data | {"number": told[:, 0], "kind": told[:, 1]}

    def _near(self, least: float, most: float) -> float:
        """Draw a distance, small ones more often: what begins beside the vertebra is the hardest to tell."""
        return least + (most - least) * self.R.random() ** 2

    def _often(self) -> bool:
        return self.R.random() < self.worn_prob

    def _wear(self, ct: np.ndarray, codes: np.ndarray, known: dict[int, tuple[int, int]]) -> None:
        """Change a crop's instances as a search may have them."""
        if self._often():
            self._add_false(ct, codes)
        if self._often():
            self._cut_one(codes)
        if self._often():
            codes[~binary_erosion(codes > 0)] = 0
        elif self._often():
            free = codes == 0
            codes[free] = maximum_filter(codes, 3)[free]
        present = [int(code) for code in np.unique(codes) if code]
        if self._often() and len(present) > 1:
            place = self.R.randint(len(present) - 1)
            codes[codes == present[place + 1]] = present[place]
            known[present[place]] = (0, UNKNOWN)
        if self._often():
            for code in present:
                codes[codes == code] = code if self.R.random() > 0.2 else 0
        if self._often():  # the search did not come so far, or began later
            places = np.nonzero(codes)
            heights = np.bincount(codes[places], places[2], 256) / np.maximum(np.bincount(codes[places], minlength=256), 1)
            end, side = self.R.randint(codes.shape[2]), self.R.choice([-1, 1])
            codes[((heights - end) * side > codes.shape[2] / 4)[codes]] = 0

    def _add_false(self, ct: np.ndarray, codes: np.ndarray) -> None:
        """Make bone around a random place an instance."""
        places = np.stack([self.R.randint(0, n, 300) for n in ct.shape], axis=1)
        index = tuple(places.T)
        bony = places[(ct[index] > BONE) & (codes[index] == 0)]
        if not len(bony):
            return
        axes = np.ogrid[tuple(slice(0, n) for n in ct.shape)]
        distance = sum((axis - c) ** 2 for axis, c in zip(axes, bony[0], strict=True))
        codes[(distance < (self.R.uniform(10, 35) / self.spacing) ** 2) & (ct > BONE) & (codes == 0)] = FALSE

    def _cut_one(self, codes: np.ndarray) -> None:
        """Take a part of one instance away, or give it to a neighbour."""
        present = [int(code) for code in np.unique(codes) if code]
        if not present:
            return
        code = present[self.R.randint(len(present))]
        places = np.argwhere(codes == code)
        height = places @ self.R.normal(size=3)
        away = places[height > np.quantile(height, 1 - self.R.uniform(0.05, 0.4))]
        codes[tuple(away.T)] = 0 if self.R.random() < 0.5 else present[self.R.randint(len(present))]

    def _cut_field(self, ct: np.ndarray, codes: np.ndarray, chosen: int) -> None:
        """End the field of view somewhere around the chosen vertebra."""
        if self.R.random() > self.field_prob:
            return
        for axis, (part, margin) in enumerate(zip(box_of(codes == chosen), self.margins, strict=True)):
            low, high = (round(self._near(*margin) / self.spacing) for _ in range(2))
            cuts = self.R.random(2) < self.side_prob
            ends = [(cuts[0], slice(0, max(0, part.start - low))), (cuts[1], slice(min(ct.shape[axis], part.stop + high), None))]
            for cut, beyond in ends:
                if cut:
                    index = tuple(beyond if i == axis else slice(None) for i in range(3))
                    ct[index], codes[index] = OUTSIDE, 0

    def _ordered(self, codes: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Return the index of each voxel's instance, and the codes from top to bottom."""
        places = np.nonzero(codes)
        values = codes[places]
        sizes = np.bincount(values, minlength=256)
        heights = np.bincount(values, places[2], 256) / np.maximum(sizes, 1)
        large = np.flatnonzero(sizes * self.spacing**3 >= LEAST)
        order = [int(code) for code in large[np.argsort(-heights[large])]][:MOST]
        table = np.zeros(256, np.uint8)
        table[order] = np.arange(1, len(order) + 1)
        return table[codes], order
