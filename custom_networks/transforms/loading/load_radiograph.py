"""Load a radiograph of any kind with errors that users understand."""

from monai.config import KeysCollection

from ...readers.picture import PictureReader
from ...readers.radiograph import RadiographReader
from .load_volume import LoadVolumed


class LoadRadiographd(LoadVolumed):
    """`LoadVolumed` for projection images: PNG and JPG by `PictureReader`, DICOM by `RadiographReader`, else MONAI's readers.

    Args:
        keys: paths of images.

    Raises:
        UserError: when a file is missing, damaged, in colour, or of no kind that is read.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        self.dicom_reader, self.picture_reader = RadiographReader(), PictureReader()
