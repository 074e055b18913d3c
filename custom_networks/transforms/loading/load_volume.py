"""Load an image of any kind with errors that users understand."""

from collections.abc import Hashable, Mapping
from pathlib import Path

from monai.config import KeysCollection
from monai.data import ImageReader
from monai.transforms import LoadImaged

from ...cases.cases import PICTURE_SUFFIXES, is_dicom, is_zip, split_series
from ...errors import UserError
from ...readers.dicom_series import DicomSeriesReader


class LoadVolumed(LoadImaged):
    """MONAI's ``LoadImaged``, with `DicomSeriesReader` for DICOM files and folders.

    Args:
        keys: paths of images.

    Raises:
        UserError: when a file is missing, damaged, or of no kind that is read.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys, image_only=True)
        self.dicom_reader, self.picture_reader = DicomSeriesReader(), None

    def __call__(self, data: Mapping[Hashable, str], reader: ImageReader | None = None) -> dict:
        loaded = dict(data)
        for key in self.key_iterator(loaded):
            path, _ = split_series(str(loaded[key]))
            if not path.exists():
                raise UserError(f"{path}: no such file.", "Check the path.")
            if path.is_file() and path.stat().st_size == 0:
                raise UserError(f"{path}: the file is empty.", "Copy or export it again.")
            try:
                image = self._loader(str(loaded[key]), self._reader(path) or reader)
            except UserError:
                raise
            except Exception as error:  # readers raise many types for damaged files
                raise UserError(f"{path}: cannot be read as an image.", "The file is damaged or of another kind.") from error
            loaded[key] = image[0] if isinstance(image, tuple) else image  # MONAI Label asks its loader for the meta data too
        return loaded

    def _reader(self, path: Path) -> ImageReader | None:
        if path.is_dir() or is_zip(path) or is_dicom(path):
            return self.dicom_reader
        return self.picture_reader if path.name.lower().endswith(PICTURE_SUFFIXES) else None
