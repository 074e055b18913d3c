"""Load label maps of heads, to synthesise images from."""

from collections.abc import Hashable, Mapping

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Spacing

from ...data.head_labels import brain_of
from .load_volume import LoadVolumed

OUTSIDE = 500  # labels of SynthSeg from here on lie outside the brain
MOVED = 300  # what they are lowered by, so that all labels are below 256


class LoadHeadLabelsd(MapTransform):
    """Load a label map of FreeSurfer and SynthSeg as ``label``, and its brain as ``image`` and ``brain``, in RAS.

    Args:
        keys: path of the label map.
        spacing: mm to bring it to.
    """

    def __init__(self, keys: KeysCollection, spacing: float = 2.0) -> None:
        super().__init__(keys)
        self.spacing, self.load = spacing, LoadVolumed(self.keys)
        self.resample = Spacing([spacing] * 3, mode="nearest")

    def __call__(self, data: Mapping[Hashable, str]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            loaded = self.load({key: data[key]})[key]
            canonical = nibabel.as_closest_canonical(nibabel.Nifti1Image(np.asarray(loaded, np.float32), np.asarray(loaded.affine)))
            array = torch.from_numpy(np.ascontiguousarray(canonical.dataobj))[None]
            labels = self.resample(MetaTensor(array, affine=canonical.affine))
            codes = np.asarray(labels[0]).round().astype(np.int32)
            codes = np.where(codes >= OUTSIDE, codes - MOVED, codes)
            brain = torch.from_numpy(brain_of(codes, self.spacing).astype(np.float32))[None]
            data |= {"label": torch.from_numpy(codes.astype(np.float32))[None], "image": brain, "brain": brain}
        return data
