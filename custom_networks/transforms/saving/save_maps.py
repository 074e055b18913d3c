"""Write how likely each voxel is what it was called, and how uncertain that is."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import SaveImaged
from torch.special import entr

from ...cases.names import result_name
from ...results.write_nifti import write_nifti


class SaveMapsd(SaveImaged):
    """Write ``<case>_probability.nii.gz`` and ``<case>_entropy.nii.gz``, float32 with the affine of the case's own file.

    The entropy is that of the classes' probabilities over its largest value: 0 where the network is certain, 1 where it knows
    nothing. A subclass of MONAI's ``SaveImaged`` because MONAI Label drops transforms of that class and writes results itself.

    Args:
        keys: probabilities, ``(classes, H, W[, D])`` with background first, or ``(1, ...)`` of one structure, on the input's own
            grid. Those of several classes are written along the last axis.
        output_dir: folder to write to; made when missing.
    """

    def __init__(self, keys: KeysCollection, output_dir: str | Path) -> None:
        super().__init__(keys, output_dir=output_dir, print_log=False)
        self.output_dir = Path(output_dir)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        for key in self.key_iterator(data):
            probabilities = data[key]
            name = result_name(data, probabilities.meta)
            affine = np.asarray(probabilities.meta["original_affine"], dtype=float)
            plain = probabilities.as_subclass(torch.Tensor).float().cpu()
            maps = {"probability": plain[0] if len(plain) == 1 else plain.movedim(0, -1), "entropy": entropy(plain)}
            for kind, values in maps.items():
                image = nibabel.Nifti1Image(values.numpy(), affine)
                write_nifti(self.output_dir / f"{name}_{kind}.nii.gz", image)
        return dict(data)


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Return the entropy of ``(classes, ...)``, or of one structure ``(1, ...)`` and what is not it, from 0 to 1."""
    if len(probabilities) == 1:
        probabilities = torch.cat((1 - probabilities, probabilities))
    return entr(probabilities.clamp(0, 1)).sum(0) / np.log(len(probabilities))
