"""Load a radiograph of any kind with errors that users understand."""

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.data import ImageReader, MetaTensor

from ...readers.nifti import NiftiReader
from ...readers.picture import COLOURS, PictureReader
from ...readers.radiograph import RadiographReader
from .load_volume import LoadVolumed


class LoadRadiographd(LoadVolumed):
    """`LoadVolumed` for projection images: PNG and JPG by `PictureReader`, DICOM by `RadiographReader`.

    A NIfTI file without orientation lies as a picture does, columns to the patient's left and rows down.

    Args:
        keys: paths of images.
        modality: that DICOM files should be of, ``"DX"`` for all kinds of radiographs; None takes any.
        any_modality: whether DICOM files of another modality are taken all the same.
        quiet: whether nothing is warned of, for images that are loaded once more.
        channels: 1 for gray images; 3 for red, green and blue along the last axis, three times the same of what is gray; None for
            what each picture has.

    Raises:
        UserError: when a file is missing, damaged, in colour where it should be gray, of no kind that is read, or of another
            modality.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modality: str | None = None,
        any_modality: bool = False,
        quiet: bool = False,
        channels: int | None = 1,
    ) -> None:
        super().__init__(keys, modality, any_modality, quiet)
        self.channels = channels
        self.dicom_reader = RadiographReader()
        self.readers |= {"NIfTI": NiftiReader(picture=True), "picture": PictureReader(channels)}

    def __call__(self, data: Mapping[Hashable, str | torch.Tensor], reader: ImageReader | None = None) -> dict:
        loaded = super().__call__(data, reader)
        if self.channels == COLOURS:
            for key in self.key_iterator(loaded):
                loaded[key] = _in_colour(loaded[key])
        return loaded


def _in_colour(image: MetaTensor) -> MetaTensor:
    """Return an image with its colours along the last axis, equal ones of DICOM, NIfTI and what another program read in gray."""
    if image.meta.get("original_channel_dim") == -1:
        return image
    colours = torch.stack([image.as_tensor()] * COLOURS, -1)
    return MetaTensor(colours, affine=image.affine, meta=dict(image.meta) | {"original_channel_dim": -1})
