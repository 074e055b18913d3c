"""DICOM files as tests need them."""

from pathlib import Path

import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

OBLIQUE = [0.96, 0.28, 0.0, -0.28, 0.96, 0.0]
SERIES = generate_uid(entropy_srcs=["axial"])
STUDY = {
    "PatientName": "Phantom^Anna", "PatientID": "1", "PatientBirthDate": "", "PatientSex": "", "StudyInstanceUID": "1.2.3.4",
    "StudyID": "1", "StudyDate": "20260101", "StudyTime": "120000", "AccessionNumber": "", "ReferringPhysicianName": "",
    "FrameOfReferenceUID": "1.2.3.5", "PositionReferenceIndicator": "",
}  # fmt: skip


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


def write_series(folder: Path, image: nibabel.Nifti1Image, modality: str, description: str = "phantom") -> Path:
    """Write a volume as slices of 12 bits, CT in whole HU, with all that DICOM asks of a study; no sheared axes."""
    folder.mkdir(parents=True)
    array, affine = np.asarray(image.dataobj, float), np.diag([-1.0, -1, 1, 1]) @ image.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    directions = affine[:3, :3] / spacing
    intercept, slope = (-1024, 1) if modality == "CT" else (array.min(), (array.max() - array.min()) / 4000)
    tags = STUDY | {
        "Modality": modality, "SOPClassUID": CTImageStorage if modality == "CT" else MRImageStorage,
        "SeriesDescription": description, "PixelSpacing": spacing[[1, 0]].tolist(), "SliceThickness": spacing[2],
        "RescaleSlope": slope, "RescaleIntercept": intercept, "ImageOrientationPatient": [*directions[:, 0], *directions[:, 1]],
    }  # fmt: skip
    for index in range(array.shape[2]):
        pixels = np.clip((array[:, :, index].T - intercept) / slope, 0, None).round()
        write_slice(folder / f"{index:03d}.dcm", affine[:3, :3] @ [0, 0, index] + affine[:3, 3], pixels, index, **tags)
    return folder


def write_ct(folder: Path, volume: np.ndarray, spacing=(1.0, 1.0, 1.0), **tags) -> Path:
    """Write an axial CT of Hounsfield units ``(columns to the left, rows to the back, slices upwards)``; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    study = STUDY | {
        "StudyInstanceUID": generate_uid(entropy_srcs=[str(folder.parent)]), "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(), "RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [spacing[1], spacing[0]], "SliceThickness": spacing[2],
        "SeriesNumber": 2, "Modality": "CT", "SeriesDescription": "CT 1 mm",
    } | tags  # fmt: skip
    for index in range(volume.shape[2]):
        dataset = _image(volume[..., index].T + 1024, CTImageStorage, stored=16)
        dataset.ImagePositionPatient, dataset.InstanceNumber = [0.0, 0.0, index * spacing[2]], index + 1
        _save(folder / f"{index:03}.dcm", dataset, study)
    return folder


def write_enhanced(path: Path, volume: np.ndarray, slopes=None, intercepts=None, positions: bool = True, **tags) -> Path:
    """Write an enhanced multi-frame MRI of ``(columns, rows, slices)`` with its frames in the order of a shuffled stack."""
    order = np.random.default_rng(1).permutation(volume.shape[2])
    dataset = _image(volume[..., 0].T, EnhancedMRImageStorage, stored=16)
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.Modality = SERIES, 3, "MR"
    dataset.NumberOfFrames = len(order)
    dataset.PixelData = np.stack([volume[..., index].T for index in order]).astype("<u2").tobytes()
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.8], 4
    orientation.ImageOrientationPatient = OBLIQUE
    shared = Dataset()
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for index in order:
        frame, place, rescale = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [float(x) for x in np.array([10.0, -20.0, 30.0]) + index * np.array([0, 0, 4])]
        if positions:
            frame.PlanePositionSequence = [place]
        if slopes is not None:
            rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = slopes[index], intercepts[index], "US"
            frame.PixelValueTransformationSequence = [rescale]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
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
            dataset.pop(name, None)
        else:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path
