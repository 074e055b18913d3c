"""Images with labels of a task of one's own, as small as can be, in the layouts that users have."""

from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
from conftest import save_nifti
from dicom_files import write_series
from PIL import Image


def ball(random: np.random.Generator, shape=(24, 20, 12), spacing=(1.0, 1.0, 2.0)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an image with a bright and a dark ball, its label map, and its affine."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) * spacing
    label = np.zeros(shape, np.uint8)
    extent = np.array(shape) * spacing
    for value, share in ((1, 0.3), (2, 0.7)):
        centre = extent * (share, 0.5, 0.5) + random.uniform(-1, 1, 3)
        label[np.linalg.norm(grid - centre, axis=-1) < 0.17 * extent[0]] = value
    image = random.normal(100, 5, shape) + np.choose(label, (0, 60, -60))
    return image.astype(np.int16), label, np.diag([*spacing, 1.0])


def write_pairs(folder: Path, cases: int = 4, **options) -> Path:
    """Write ``case_N_image.nii.gz`` beside ``case_N_label.nii.gz``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, affine = ball(np.random.default_rng(number), **options)
        save_nifti(folder / f"case_{number}_image.nii.gz", image, affine)
        save_nifti(folder / f"case_{number}_label.nii.gz", label, affine)
    return folder


def write_nnunet(folder: Path, cases: int = 4, channels: int = 2) -> Path:
    """Write ``imagesTr/case_N_0000.nii.gz``, ... and ``labelsTr/case_N.nii.gz``."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, affine = ball(np.random.default_rng(number))
        for channel in range(channels):
            save_nifti(
                folder / "imagesTr" / f"case_{number}_{channel:04d}.nii.gz", image + np.int16(10 * channel) * (label == 2), affine
            )
        save_nifti(folder / "labelsTr" / f"case_{number}.nii.gz", label, affine)
    return folder


def write_pictures(folder: Path, cases: int = 4, foreground: int = 255, size=(64, 48)) -> Path:
    """Write ``images/N.png`` and binary ``labels/N.png``."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, label, _ = ball(np.random.default_rng(number), (*size, 1), (1.0, 1.0, 1.0))
        Image.fromarray(image[..., 0].T.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(((label[..., 0].T == 1) * foreground).astype(np.uint8)).save(folder / "labels" / f"{number}.png")
    return folder


def write_coloured(folder: Path, cases: int = 4, mode: str = "RGB", ending: str = ".png", size=(64, 48)) -> Path:
    """Write pictures whose classes differ in colour alone, and labels of 0, 1 and 2."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        random = np.random.default_rng(number)
        _, label, _ = ball(random, (*size, 1), (1.0, 1.0, 1.0))
        rows = label[..., 0].T
        colours = np.array([(110, 110, 110), (190, 70, 70), (70, 70, 190)])[rows] + random.normal(0, 5, (*rows.shape, 3))
        picture = Image.fromarray(colours.clip(0, 255).astype(np.uint8)).convert(mode)
        picture.save(folder / "images" / f"{number}{ending}")
        Image.fromarray(rows).save(folder / "labels" / f"{number}.png")
    return folder


def write_dicom(folder: Path, cases: int = 4, modality: str = "MR", label: str = "nifti") -> Path:
    """Write series as ``images/case_N`` with labels: NIfTI as converters turn it, or DICOM Segmentation."""
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    for number in range(cases):
        image, classes, affine = ball(np.random.default_rng(number))
        series = write_series(folder / "images" / f"case_{number}", nibabel.Nifti1Image(image, affine), modality)
        if label == "nifti":
            turned = affine @ np.diag([-1.0, -1.0, 1.0, 1.0])
            turned[:3, 3] += affine[:3, :2] @ (np.array(image.shape[:2]) - 1)
            save_nifti(folder / "labels" / f"case_{number}.nii.gz", classes[::-1, ::-1], turned)
        else:
            write_segmentation(folder / "labels" / f"case_{number}.dcm", series, classes)
    return folder


def write_segmentation(path: Path, series: Path, classes: np.ndarray, names=("bright", "dark")) -> None:
    """Write label maps ``(columns, rows, slices)`` of a series as a DICOM Segmentation; slices without a label are left out."""
    images = [pydicom.dcmread(file) for file in sorted(series.iterdir())]
    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=highdicom.sr.CodedConcept("91723000", "SCT", "Anatomical Structure"),
            segmented_property_type=highdicom.sr.CodedConcept("91723000", "SCT", "Anatomical Structure"),
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(names, 1)
    ]
    highdicom.seg.Segmentation(
        source_images=images,
        pixel_array=np.moveaxis(classes, -1, 0).swapaxes(1, 2).astype(np.uint8),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="tests",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
    ).save_as(path)
