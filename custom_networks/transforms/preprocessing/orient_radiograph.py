"""Turn a frontal radiograph upright."""

from collections.abc import Hashable, Mapping

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import Orientationd

from ...errors import UserError

RIGHT_LEFT = "RL"
DOWNWARDS = {"P": "P", "A": "P", "I": "I", "S": "I"}


class OrientRadiographd(Orientationd):
    """Bring a frontal picture to columns that run to the patient's left and rows that run down, as readers hang it.

    The thin axis goes last. Pictures without a place in space are laid in the axial plane by convention, with rows that run to
    the back, as ITK and MONAI do; a radiograph in the coronal plane has rows that run to the feet.

    Args:
        keys: images ``(C, H, W, D)`` with meta data, of which one axis has a single element.

    Raises:
        UserError: for a volume, and for a picture in the sagittal plane.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys, axcodes="LPS", labels=None)

    def __call__(self, data: Mapping[Hashable, torch.Tensor], lazy: bool | None = None) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            image = data[key]
            file = image.meta.get("filename_or_obj", "image")
            if min(image.shape[1:]) > 1:
                shape = "x".join(str(size) for size in image.shape[1:])
                raise UserError(f"{file}: a volume ({shape}).", "Give a frontal radiograph, one picture a file.")
            codes = upright_codes(np.asarray(image.affine), image.shape[1:])
            if codes is None:
                raise UserError(f"{file}: lies in the sagittal plane.", "Give a frontal radiograph, or repair the header.")
            self.ornt_transform.axcodes = codes
            data[key] = self.ornt_transform(image)
        return data


def upright_codes(affine: np.ndarray, shape: tuple[int, ...]) -> str | None:
    """Return the codes of an upright picture's axes: left, then back or feet, then the thin axis; None where it is sagittal."""
    codes = nibabel.aff2axcodes(affine)
    thin = codes[int(np.argmin(shape))]
    if thin in RIGHT_LEFT:
        return None
    down = next(DOWNWARDS[code] for code in codes if code not in (*RIGHT_LEFT, thin))
    return f"L{down}{thin}"
