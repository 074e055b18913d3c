"""Write what is known of every lesion beside the mask."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, SaveImaged
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from ...cases.names import result_name
from ...geometry.voxels import voxel_volume
from ...metrics.lesions import LEAST_VOLUME, SIZES, find_lesions
from ...results.write_nifti import write_nifti
from ...results.write_result import write_json


class FindLesionsd(MapTransform):
    """Turn a probability map into a lesion mask without components that are too small or too doubtful, and describe the others.

    The mask's meta data get ``lesions``, JSON text of rows as `describe_lesions` returns them.

    Args:
        keys: probabilities ``(1, X, Y, Z)`` on the file's own grid; replaced by the mask.
        threshold: least probability of a lesion's voxel.
        probability_key: where the probabilities are kept; None drops them.
        least_volume: mm3.
        peak: least probability that a lesion must reach somewhere; at or below ``threshold`` every component does.
    """

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        probability_key: str | None = None,
        least_volume: float = LEAST_VOLUME,
        peak: float = 0.0,
    ) -> None:
        super().__init__(keys)
        self.threshold, self.probability_key, self.least_volume, self.peak = threshold, probability_key, least_volume, peak

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            probability = data[key]
            affine = np.asarray(probability.meta["original_affine"], dtype=float)
            array = probability[0].cpu().numpy()
            lesions, _ = find_lesions(array > self.threshold, voxel_volume(affine), self.least_volume)
            lesions = reach_peak(lesions, array, self.peak)
            mask = probability.clone()
            mask[0] = torch.from_numpy((lesions > 0).astype(np.float32))
            mask.meta["lesions"] = json.dumps(describe_lesions(lesions, array, affine))
            if self.probability_key is not None:
                data[self.probability_key] = probability
            data[key] = mask
        return data


def reach_peak(lesions: np.ndarray, probability: np.ndarray, peak: float) -> np.ndarray:
    """Return numbered components without those whose largest probability is below ``peak``, renumbered; arrays ``(X, Y, Z)``."""
    certain = np.unique(lesions[probability >= peak])
    return relabel_sequential(np.where(np.isin(lesions, certain), lesions, 0))[0]


def describe_lesions(lesions: np.ndarray, probability: np.ndarray, affine: np.ndarray) -> list[dict]:
    """Return number, volume in mm3, centroid in mm, mean and largest probability of every lesion, largest first.

    Args:
        lesions: components numbered from 1, ``(X, Y, Z)``.
        probability: of the same grid.
        affine: of the grid, 4x4, in mm.
    """
    numbers = np.arange(1, lesions.max(initial=0) + 1)
    if not len(numbers):
        return []
    voxels = ndimage.sum_labels(np.ones(lesions.shape), lesions, numbers)
    centres = np.array(ndimage.center_of_mass(lesions > 0, lesions, numbers)) @ affine[:3, :3].T + affine[:3, 3]
    means, most = (measure(probability, lesions, numbers) for measure in (ndimage.mean, ndimage.maximum))
    volumes = voxels * voxel_volume(affine)
    return [
        {
            "number": number,
            "volume_mm3": round(float(volumes[index]), 1),
            "centroid_mm": centres[index].round(2).tolist(),
            "mean_probability": round(float(means[index]), 3),
            "largest_probability": round(float(most[index]), 3),
        }
        for number, index in enumerate(np.argsort(-volumes, kind="stable"), 1)
    ]


class SaveLesionsd(SaveImaged):
    """Write ``<case>_seg.json``: number and volume of lesions, in all and by size, and a row each; if asked the probabilities.

    A subclass of MONAI's ``SaveImaged`` because MONAI Label drops transforms of that class and writes results itself.

    Args:
        keys: masks as `FindLesionsd` leaves them.
        output_dir: folder to write to; made when missing.
        probability_key: probabilities to write as ``<case>_prob.nii.gz``; None writes none.

    Raises:
        UserError: when a file cannot be written.
    """

    def __init__(self, keys: KeysCollection, output_dir: str | Path, probability_key: str | None = None) -> None:
        super().__init__(keys, output_dir=output_dir, print_log=False)
        self.output_dir, self.probability_key = Path(output_dir), probability_key

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            name = result_name(data, data[key].meta)
            if name is None:
                continue
            lesions = json.loads(data[key].meta["lesions"])
            write_json(self.output_dir / f"{name}_seg.json", {"case": name} | summarise(lesions) | {"lesions": lesions})
            if self.probability_key is not None:
                probability = data[self.probability_key]
                affine = np.asarray(probability.meta["original_affine"], dtype=float)
                image = nibabel.Nifti1Image(probability[0].cpu().numpy().astype(np.float32), affine)
                image.header.set_xyzt_units("mm")
                write_nifti(self.output_dir / f"{name}_prob.nii.gz", image)
        return data


def summarise(lesions: list[dict]) -> dict:
    """Return the number of lesions, their volume in mm3, and both for each of `SIZES`."""
    volumes = np.array([lesion["volume_mm3"] for lesion in lesions])
    by_size = {}
    for name, (low, high) in SIZES.items():
        inside = volumes[(volumes >= low) & (volumes < high)]
        by_size[name] = {"count": len(inside), "volume_mm3": round(float(inside.sum()), 1)}
    return {"count": len(lesions), "volume_mm3": round(float(volumes.sum()), 1), "by_size_mm3": by_size}
