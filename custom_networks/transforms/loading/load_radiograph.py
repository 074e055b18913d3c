"""Load a radiograph of any kind with errors that users understand."""

from monai.config import KeysCollection

from ...readers.nifti import NiftiReader
from ...readers.picture import PictureReader
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

    Raises:
        UserError: when a file is missing, damaged, in colour, of no kind that is read, or of another modality.
    """

    def __init__(self, keys: KeysCollection, modality: str | None = None, any_modality: bool = False, quiet: bool = False) -> None:
        super().__init__(keys, modality, any_modality, quiet)
        self.dicom_reader = RadiographReader()
        self.readers |= {"NIfTI": NiftiReader(picture=True), "picture": PictureReader()}
