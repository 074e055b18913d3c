"""Give a whole brain another patient's lesions."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from ...data.lesion_shapes import LesionMap
from ...geometry.regions import box_of, reach
from .paint_lesions import BORDERS, SPREAD, drawn_contrast, paint_lesions, white_matter

BRAIN = np.array([[-64.0, -97.0, -55.0], [64.0, 57.0, 68.0]])  # mm; box of a skull-stripped brain in the space of the maps
SHIFT = 5.0  # mm, at most
SCALE = 0.1  # at most
LEVELS = (0.3, 0.6)  # of the smoothed mask, above which a lesion is; it grows and shrinks by that
FIELD = 20  # voxels between the points at which the contrast is drawn


class RandLesionLoadd(RandomizableTransform, MapTransform):
    """Paint all lesions of another patient into the white matter of a brain, where that patient has them, and mark them.

    Large confluent lesions follow the ventricles; turned at random, as single shapes are, they fit nowhere. The box of the brain
    is laid on that of the patients' space, mirrored, shifted and scaled at random; what then lies outside white matter is left
    out. The contrast is a drawn one, as the lesions are another's, and varies smoothly over the brain.

    Args:
        keys: brains ``(2, X, Y, Z)`` in RAS, FLAIR and T1, mean 0 and standard deviation 1 in the brain, 0 outside.
        label_key: label map ``(1, X, Y, Z)``; the lesions get 1.
        mask_key: mask of the brain ``(1, X, Y, Z)``.
        maps: lesions of patients, see `load_lesion_maps`; without any, nothing is done.
        prob: probability that a brain gets lesions.
    """

    def __init__(
        self, keys: KeysCollection, label_key: str, mask_key: str, maps: Sequence[LesionMap] = (), prob: float = 0.3
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.mask_key, self.maps = label_key, mask_key, list(maps)

    def randomize(self, image: np.ndarray, label: np.ndarray, brain: np.ndarray) -> None:
        """Draw where which lesions lie in a brain, how bright they are and how soft; None where there are none."""
        super().randomize(None)
        self.load: tuple | None = None
        if not self.maps or not self._do_transform:
            return
        white = white_matter(image, label)
        if not white.any():
            return
        box, lesions = self._place(brain)
        lesions &= white[box]
        if lesions.any():  # others are of a map that lies elsewhere, or over gray matter alone
            lesions |= ndimage.binary_closing(lesions) & (label[0][box] == 0)  # noise makes holes in white matter
            self.load = box, lesions, self._field(lesions.shape), self.R.uniform(*BORDERS)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image, label = np.array(data[key], dtype=np.float32), np.array(data[self.label_key])
            self.randomize(image, label, np.asarray(data[self.mask_key][0]) > 0)
            if self.load is not None:
                box, lesions, contrast, width = self.load
                inside = (slice(None), *box)
                paint_lesions(image[inside], label[inside], lesions, contrast, width)
                data[key], data[self.label_key] = torch.from_numpy(image), torch.from_numpy(label)
        return data

    def _place(self, brain: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
        """Return the part of a brain ``(X, Y, Z)`` that a drawn map covers and the lesions there."""
        share, affine = self.maps[self.R.randint(len(self.maps))]
        low, high = np.array([[side.start, side.stop - 1] for side in box_of(brain)], float).T
        scale = (BRAIN[1] - BRAIN[0]) / (high - low) * self.R.uniform(1 - SCALE, 1 + SCALE, 3)
        scale[0] *= self.R.choice([-1, 1])  # mirrored
        centre = BRAIN.mean(0) + self.R.uniform(-SHIFT, SHIFT, 3)
        to_map = np.linalg.inv(affine) @ from_matvec(np.diag(scale), centre - scale * (low + high) / 2)
        box = reach(tuple(slice(0, side) for side in share.shape), np.linalg.inv(to_map), brain.shape)
        start = apply_affine(to_map, [side.start for side in box])
        placed = ndimage.affine_transform(share, to_map[:3, :3], start, brain[box].shape, order=1)
        return box, (placed > self.R.uniform(*LEVELS)) & brain[box]

    def _field(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return a drawn contrast times factors that vary smoothly, ``(2, X, Y, Z)``."""
        points = [side // FIELD + 2 for side in shape]
        factors = torch.from_numpy(self.R.uniform(*SPREAD, (1, 2, *points)))
        field = torch.nn.functional.interpolate(factors, shape, mode="trilinear", align_corners=True)[0].numpy()
        return field * drawn_contrast(self.R)[:, None, None, None]
