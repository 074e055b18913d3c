"""Load an image of any kind with errors that users understand."""

import logging
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import ImageReader, MetaTensor
from monai.transforms import LoadImaged
from monai.utils import convert_to_tensor

from ...cases.cases import DICOM_SUFFIXES, is_dicom, is_zip, split_series
from ...errors import UserError
from ...readers.dicom_series import DicomSeriesReader
from ...readers.kinds import check_kind
from ...readers.metaimage import MetaImageReader
from ...readers.modality import check_modality
from ...readers.nifti import NiftiReader
from ...readers.nrrd import NrrdReader

logger = logging.getLogger("axial")


class LoadVolumed(LoadImaged):
    """Load NIfTI, NRRD, MetaImage and DICOM by this repository's readers, which keep the file's own geometry in mm or refuse it.

    What a reader had to choose or convert is a warning of the log ``axial``. A tensor instead of a path was read by another
    program, as MONAI Deploy does with DICOM; it is taken as it is, in float32, with its meta data.

    Args:
        keys: paths of images.
        modality: that DICOM files should be of: ``"CT"``, ``"MR"`` or ``"DX"``; None takes any.
        any_modality: whether DICOM files of another modality are taken all the same.
        quiet: whether nothing is warned of, for images that are loaded once more.

    Raises:
        UserError: when a file is missing, damaged, of no kind that is read, or of another modality.
    """

    def __init__(self, keys: KeysCollection, modality: str | None = None, any_modality: bool = False, quiet: bool = False) -> None:
        super().__init__(keys, image_only=True)
        self.modality, self.any_modality, self.quiet = modality, any_modality, quiet
        self.dicom_reader: ImageReader = DicomSeriesReader()
        self.readers: dict[str, ImageReader] = {"NIfTI": NiftiReader(), "NRRD": NrrdReader(), "MetaImage": MetaImageReader()}

    def __call__(self, data: Mapping[Hashable, str | torch.Tensor], reader: ImageReader | None = None) -> dict:
        loaded = dict(data)
        for key in self.key_iterator(loaded):
            if isinstance(loaded[key], torch.Tensor):
                path, image = Path("image"), convert_to_tensor(loaded[key], dtype=torch.float32, track_meta=True)
            else:
                path, _ = split_series(str(loaded[key]))
                image = self._read(str(loaded[key]), path)
            remarks = list(image.meta.pop("remarks", ()))
            if self.modality:
                found = image.meta.get("modality", image.meta.get("Modality"))  # our readers' word, MONAI Deploy's
                remarks += check_modality(path, found, self.modality, self.any_modality)
            for remark in () if self.quiet else remarks:
                logger.warning("%s: %s.", path, remark)
            loaded[key] = image
        return loaded

    def _read(self, source: str, path: Path) -> MetaTensor:
        try:
            with np.errstate(all="ignore"):  # odd headers hold NaN and Inf; readers check what comes of them
                image = self._loader(source, self._reader(path))
        except UserError:
            raise
        except Exception as error:  # libraries raise many types for damaged files
            reason = f"cannot be read ({error.strerror})" if getattr(error, "strerror", None) else "cannot be read as an image"
            raise UserError(f"{path}: {reason}.", "The file is damaged or of another kind.") from error
        return image[0] if isinstance(image, tuple) else image  # MONAI Label asks its loader for the meta data too

    def _reader(self, path: Path) -> ImageReader:
        if not path.exists():
            raise UserError(f"{path}: no such file.", "Check the path.")
        if path.is_dir():
            return self.dicom_reader
        if not path.is_file():
            raise UserError(f"{path}: no regular file.", "Give an image.")
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the file is empty.", "Copy or export it again.")
        if is_zip(path) or is_dicom(path) or path.name.lower().endswith(DICOM_SUFFIXES):
            return self.dicom_reader
        kind = check_kind(path)
        if kind not in self.readers:
            raise UserError(f"{path}: a {kind}, no volume.", "Give NIfTI, NRRD, MetaImage or DICOM.")
        return self.readers[kind]
