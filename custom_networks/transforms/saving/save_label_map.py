"""Write a label map on the grid of its image."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import SaveImaged
from PIL import Image

from ...cases.names import result_name
from ...cases.suffixes import PICTURE_SUFFIXES
from ...errors import UserError
from ...readers.picture import EXIF_ORIENTATION, UPRIGHT
from ...results.label_table import label_table
from ...results.write_nifti import as_stored, write_nifti
from ...results.write_result import write_result


class SaveLabelMapd(SaveImaged):
    """Write ``<case>_seg.nii.gz`` with the affine of the case's own file; for a PNG or JPG ``<case>_seg.png`` too.

    Written to a temporary name and then renamed, so that a file under the final name is always whole. A subclass of
    MONAI's ``SaveImaged`` because MONAI Label drops transforms of that class and writes results itself. Nothing is written of
    an image that came from no file, as MONAI Deploy passes them.

    Args:
        keys: label maps, ``(1, H, W)`` or ``(1, H, W, D)``, on the input's own grid.
        output_dir: folder to write to; made when missing.
        names: of the labels from 1, written into the header (see `label_table`); none leaves it plain.

    Raises:
        UserError: when the label map's shape is not that of the input, or when the file cannot be written.
    """

    def __init__(self, keys: KeysCollection, output_dir: str | Path, names: Sequence[str | None] = ()) -> None:
        super().__init__(keys, output_dir=output_dir, print_log=False)
        self.output_dir, self.names = Path(output_dir), names

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            name = result_name(data, data[key].meta)
            if name is not None:
                self._save(data[key], name)
        return data

    def _save(self, label: torch.Tensor, name: str) -> None:
        source = label.meta["filename_or_obj"]
        expected = tuple(int(size) for size in label.meta["spatial_shape"])
        if tuple(label.shape[1:]) != expected:
            raise UserError(f"{source}: the mask has shape {tuple(label.shape[1:])}, the image {expected}.", "Please report this.")
        array = label[0].cpu().numpy().astype(np.uint8 if float(label.max()) < 256 else np.int32)
        affine = np.asarray(label.meta["original_affine"], dtype=float)
        image = nibabel.Nifti1Image(as_stored(array), affine)
        image.header.set_xyzt_units("mm" if label.meta.get("spatial_unit", "mm") == "mm" else "unknown")
        _set_codes(image, affine, label.meta)
        if self.names:
            image.header.extensions.append(label_table(self.names))
        target = self.output_dir / f"{name}_seg.nii.gz"
        if str(source).lower().endswith(PICTURE_SUFFIXES):
            picture = partial(Image.fromarray(array.T).save, exif=_exif(label.meta))
            write_result(target.with_name(f"{name}_seg.png"), picture, ".png")
        write_nifti(target, image)


def _exif(meta: Mapping[str, object]) -> Image.Exif:
    """Return how a picture's mask is to be turned when it is shown: as the picture is."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = int(meta.get("exif_orientation", UPRIGHT))
    return exif


def _set_codes(image: nibabel.Nifti1Image, affine: np.ndarray, meta: Mapping[str, object]) -> None:
    """Give the mask the codes of a NIfTI source, which say what its coordinates mean; without codes both lie as viewers choose."""
    if "sform_code" not in meta:
        return
    for name, put in (("sform_code", image.set_sform), ("qform_code", image.set_qform)):
        code = int(meta[name])
        put(affine if code else None, code)
