"""DICOM files as tests need them."""

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

OBLIQUE = [0.96, 0.28, 0.0, -0.28, 0.96, 0.0]
SERIES = generate_uid(entropy_srcs=["axial"])


def write_radiograph(path: Path, pixels: np.ndarray, **tags) -> Path:
    """Write a radiograph, rows and columns of 12 bits, without position or spacing."""
    dataset = _image(pixels, ComputedRadiographyImageStorage, stored=12)
    return _save(path, dataset, tags)


def write_slice(path: Path, position, pixels: np.ndarray, index: int = 0, **tags) -> Path:
    """Write one MRI slice, rows and columns of uint16; a tag that is None is left out."""
    dataset = _image(pixels, MRImageStorage, stored=16)
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.Modality = SERIES, 3, "MR"
    dataset.PixelSpacing, dataset.SliceThickness, dataset.InstanceNumber = [0.5, 0.8], 4, index
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [float(x) for x in position], OBLIQUE
    return _save(path, dataset, tags)


def _image(pixels: np.ndarray, kind: str, stored: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = kind, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, stored, stored - 1, 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    return dataset


def _save(path: Path, dataset: FileDataset, tags: dict) -> Path:
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path
