"""Give a brain lesions that it does not have."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from scipy import ndimage

MATTER_SHARE = 0.7  # of a transplanted lesion that must be white matter
TRIES = 8  # places tried for a lesion
OWN_VOXELS = 20  # of own lesions from which their contrast is taken


class RandLesionTransplantd(MapTransform, Randomizable):
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
        contrast: ranges of the difference to white matter, FLAIR and T1.
        matter: least T1 value of white matter.
        size_power: power of a shape's volume to which its probability is proportional; 0 draws all alike.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_key: str,
        shapes: Sequence[np.ndarray],
        prob: float = 0.5,
        most: int = 6,
        contrast: Sequence[Sequence[float]] = ((0.8, 2.5), (-1.6, -0.4)),
        matter: float = 0.3,
        size_power: float = 0.5,
    ) -> None:
        super().__init__(keys)
        self.label_key, self.shapes, self.prob, self.most = label_key, list(shapes), prob, most
        self.contrast, self.matter = contrast, matter
        weights = np.array([np.count_nonzero(shape) for shape in self.shapes], float) ** size_power
        self.probability = weights / weights.sum()

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        if not self.shapes or self.R.random() >= self.prob:
            return data
        for key in self.key_iterator(data):
            image = np.array(data[key], dtype=np.float32)
            label = np.array(data[self.label_key])
            white = (image[1] > self.matter) & (label[0] == 0)
            if np.count_nonzero(white) < OWN_VOXELS:
                continue
            contrast = self._own_contrast(image, label[0] == 1, white)
            for _ in range(self.R.randint(1, self.most + 1)):
                mask = self._place(white)
                if mask is not None:
                    self._paint(image, label, mask, contrast)
            data[key], data[self.label_key] = torch.from_numpy(image), torch.from_numpy(label)
        return data

    def _own_contrast(self, image: np.ndarray, lesions: np.ndarray, white: np.ndarray) -> np.ndarray:
        if np.count_nonzero(lesions) >= OWN_VOXELS:
            return image[:, lesions].mean(1) - image[:, white].mean(1)
        return np.array([self.R.uniform(*limits) for limits in self.contrast])

    def _place(self, white: np.ndarray) -> np.ndarray | None:
        """Return the voxels of one lesion, or None where none of the places tried is white matter."""
        shape = self._turned(self.shapes[self.R.choice(len(self.shapes), p=self.probability)])
        low = [self.R.randint(max(0, size - whole) + 1) for size, whole in zip(shape.shape, white.shape, strict=True)]
        shape = shape[tuple(slice(start, start + whole) for start, whole in zip(low, white.shape, strict=True))]
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

    def _turned(self, shape: np.ndarray) -> np.ndarray:
        shape = np.transpose(shape, self.R.permutation(3))
        for axis in range(3):
            shape = np.flip(shape, axis) if self.R.random() < 0.5 else shape
        zoomed = ndimage.zoom(np.pad(shape, 1).astype(np.float32), self.R.uniform(0.7, 1.4), order=1) > 0.5
        return zoomed if zoomed.any() else shape

    def _paint(self, image: np.ndarray, label: np.ndarray, mask: np.ndarray, contrast: np.ndarray) -> None:
        soft = ndimage.gaussian_filter(mask.astype(np.float32), self.R.uniform(0.4, 1.0))
        soft = np.maximum(soft, 0.6 * mask) * (image != 0).any(0)
        image += soft * (contrast * self.R.uniform(0.5, 1.3, 2))[:, None, None, None].astype(np.float32)
        label[0][mask] = 1
