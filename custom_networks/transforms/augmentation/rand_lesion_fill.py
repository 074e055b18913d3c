"""Take a patient's lesions away."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy import ndimage

from .paint_lesions import white_matter

WHITE_VOXELS = 50  # from which white matter is measured
TEXTURE = 1.5  # voxels, standard deviation of the local mean


class RandLesionFilld(RandomizableTransform, MapTransform):
    """Paint the lesions of a patch as white matter and take them from the label map.

    A patient of many lesions teaches that lesions are likely; patches without them teach what else is bright. The mean of the
    lesions and of their borders becomes that of the patch's white matter (what T1 shows brightest); their fine texture is kept.

    Args:
        keys: patches ``(2, X, Y, Z)``, FLAIR and T1, mean 0 and standard deviation 1 in the brain, 0 outside.
        label_key: label map ``(1, X, Y, Z)``; lesions are 1.
        prob: probability that a patch loses its lesions.
    """

    def __init__(self, keys: KeysCollection, label_key: str, prob: float = 0.3) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        self.randomize(None)
        for key in self.key_iterator(data) if self._do_transform else ():
            image, label = fill_lesions(np.asarray(data[key], dtype=np.float32), np.asarray(data[self.label_key]))
            data[key], data[self.label_key] = torch.from_numpy(image), torch.from_numpy(label)
        return data


def fill_lesions(image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return image ``(2, X, Y, Z)`` and label map ``(1, X, Y, Z)`` without lesions; as they are where little shows white matter."""
    lesions = label[0] == 1
    border = ndimage.binary_dilation(lesions)
    white = white_matter(image, label) & ~border
    if not lesions.any() or np.count_nonzero(white) < WHITE_VOXELS:
        return image.copy(), label.copy()
    texture = _texture(image, lesions) + _texture(image, border & ~lesions)
    filled = image[:, white].mean(1)[:, None, None, None] + texture
    soft = np.maximum(ndimage.gaussian_filter(border.astype(np.float32), 0.7), lesions) * (image != 0).any(0)
    return image + soft * (filled - image), np.where(lesions[None], 0, label).astype(label.dtype)


def _texture(image: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return what differs from the local mean over a part, 0 elsewhere; the mean sees nothing outside the part."""
    weight = ndimage.gaussian_filter(part.astype(np.float32), TEXTURE)
    means = np.stack([ndimage.gaussian_filter(channel * part, TEXTURE) for channel in image]) / np.maximum(weight, 1e-6)
    return (image - means) * part
