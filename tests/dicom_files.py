"""DICOM files as tests need them."""

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

OBLIQUE = [0.96, 0.28, 0.0, -0.28, 0.96, 0.0]
SERIES = generate_uid(entropy_srcs=["axial"])


def write_slice(path: Path, position, pixels: np.ndarray, index: int = 0, **tags) -> None:
    """Write one MRI slice, rows and columns of uint16; a tag that is None is left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.Modality = SERIES, 3, "MR"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.8], 4
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [float(x) for x in position], OBLIQUE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.InstanceNumber = 15, 0, index
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
