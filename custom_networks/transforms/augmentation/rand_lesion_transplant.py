"""Give a brain lesions that it does not have."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy import ndimage

from .paint_lesions import BORDERS, OWN_VOXELS, SPREAD, lesion_contrast, paint_lesions, white_matter

MATTER_SHARE = 0.7  # of a transplanted lesion that must be white matter
TRIES = 8  # places tried for a lesion


class RandLesionTransplantd(RandomizableTransform, MapTransform):
    """Paint lesions of given shapes into the white matter of a patch and mark them in the label map.

    Shapes are drawn with a probability that grows with their volume: nearly all lesions are small, yet a single large one may be a
    patient's load. They are turned, flipped and scaled at random, and cut where the patch is smaller. White matter is what T1 shows
    brightest, outside lesions. A lesion's contrast to it is that of the patch's own lesions, varied, or drawn from `contrast` where
    it has none; borders are soft, and the tissue's texture stays below.

    Args:
        keys: patches ``(2, X, Y, Z)``, FLAIR and T1, mean 0 and standard deviation 1 in the brain, 0 outside.
        label_key: label map ``(1, X, Y, Z)``; transplants get 1.
        shapes: boolean arrays, see `load_lesion_shapes`; without any, nothing is done.
        prob: probability that a patch gets lesions.
        most: largest number of lesions.
        size_power: power of a shape's volume to which its probability is proportional; 0 draws all alike.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_key: str,
        shapes: Sequence[np.ndarray],
        prob: float = 0.5,
        most: int = 6,
        size_power: float = 0.5,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key, self.shapes, self.most = label_key, list(shapes), most
        weights = np.array([np.count_nonzero(shape) for shape in self.shapes], float) ** size_power
        self.probability = weights / weights.sum()

    def randomize(self, image: np.ndarray, label: np.ndarray) -> None:
        """Draw the lesions of a patch: mask, contrast in FLAIR and T1, width of the border."""
        super().randomize(None)
        self.lesions: list[tuple[np.ndarray, np.ndarray, float]] = []
        if not self.shapes or not self._do_transform:
            return
        white = white_matter(image, label)
        if np.count_nonzero(white) < OWN_VOXELS:
            return
        contrast = lesion_contrast(image, label, white, self.R)
        for _ in range(self.R.randint(1, self.most + 1)):
            mask = self._place(white)
            if mask is not None:
                self.lesions.append((mask, contrast * self.R.uniform(*SPREAD, 2), self.R.uniform(*BORDERS)))

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image, label = np.array(data[key], dtype=np.float32), np.array(data[self.label_key])
            self.randomize(image, label)
            for mask, contrast, width in self.lesions:
                paint_lesions(image, label, mask, contrast[:, None, None, None], width)
            if self.lesions:
                data[key], data[self.label_key] = torch.from_numpy(image), torch.from_numpy(label)
        return data

    def _place(self, white: np.ndarray) -> np.ndarray | None:
        """Return the voxels of one lesion, or None where none of the places tried is white matter."""
        # Cut before it is turned too, as zooming all of a large shape is slow.
        shape = self._turned(self._cut(self.shapes[self.R.choice(len(self.shapes), p=self.probability)], white.shape))
        shape = self._cut(shape, white.shape)
        if not shape.any():
            return None
        centres = np.argwhere(white)
        for _ in range(TRIES):
            corner = centres[self.R.randint(len(centres))] - np.array(shape.shape) // 2
            corner = np.clip(corner, 0, np.array(white.shape) - shape.shape)
            box = tuple(slice(low, low + size) for low, size in zip(corner, shape.shape, strict=True))
            if white[box][shape].mean() >= MATTER_SHARE:
                mask = np.zeros(white.shape, bool)
                mask[box] = shape & white[box]
                return mask
        return None

    def _cut(self, shape: np.ndarray, size: Sequence[int]) -> np.ndarray:
        low = [self.R.randint(max(0, whole - most) + 1) for whole, most in zip(shape.shape, size, strict=True)]
        return shape[tuple(slice(start, start + most) for start, most in zip(low, size, strict=True))]

    def _turned(self, shape: np.ndarray) -> np.ndarray:
        shape = np.transpose(shape, self.R.permutation(3))
        for axis in range(3):
            shape = np.flip(shape, axis) if self.R.random() < 0.5 else shape
        zoomed = ndimage.zoom(np.pad(shape, 1).astype(np.float32), self.R.uniform(0.7, 1.4), order=1) > 0.5
        return zoomed if zoomed.any() else shape
