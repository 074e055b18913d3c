"""Masks as DICOM Segmentation and .seg.nrrd, read back and compared with the NIfTI mask in mm."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile

import highdicom
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
from conftest import MUSCLES, VERTEBRAE, save_nifti
from dicom_files import SERIES, STUDY, write_enhanced, write_radiograph, write_series, write_slice
from dicom_results import segment_on_grid
from highdicom.color import CIELabColor

from custom_networks import LoadVolumed, RadiographReader, UserError
from custom_networks.results.label_table import label_table
from custom_networks.results.palette import label_colour
from tools.bundles import Bundle, all_bundles
from tools.results.export_dicom import write_dicom_seg
from tools.results.export_nrrd import write_seg_nrrd
from tools.results.export_rtstruct import write_rtstruct

SEGMENTING = [bundle for bundle in all_bundles() if bundle.is_segmentation]
FILM = {name: value for name, value in STUDY.items() if "FrameOf" not in name and "Position" not in name} | {"Modality": "DX"}
OBLIQUE_GRID = np.array([[0.6, -0.4, 0, 10], [0.3, 0.8, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1.0]])
VERTEBRA_L1 = Bundle(VERTEBRAE).metadata["segment_codes"]["20"]["type"]
PLANES = {
    "axial": ([1, 0, 0, 0, 1, 0], (0, 0, 4)),
    "sagittal": ([0, 1, 0, 0, 0, -1], (4, 0, 0)),
    "coronal": ([1, 0, 0, 0, 0, -1], (0, 4, 0)),
    "oblique": ([0.96, 0.28, 0, -0.28, 0.96, 0], (0, 0, 4)),
}


def series(folder, plane: str):
    """A series of 6 slices of 12x10 pixels, and an asymmetric label map on its grid."""
    orientation, step = PLANES[plane]
    folder.mkdir()
    for index in range(6):
        position = np.array([10.0, -20, 30]) + index * np.array(step)
        pixels = np.random.default_rng(index).integers(0, 900, (10, 12))
        write_slice(folder / f"{index}.dcm", position, pixels, index, ImageOrientationPatient=orientation, **STUDY)
    image = LoadVolumed("image")({"image": str(folder)})["image"]
    label = np.zeros((12, 10, 6), np.uint8)
    label[1:5, 2:4, 1:3], label[8:11, 5:9, 3:6] = 1, 4
    return np.asarray(image.affine), label


def world(affine: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Centroid in mm, LPS."""
    return (affine[:3, :3] @ np.argwhere(mask).mean(0) + affine[:3, 3]) * [-1, -1, 1]


@pytest.mark.parametrize("plane", PLANES)
def test_dicom_seg_lies_where_the_mask_lies(tmp_path, plane):
    affine, label = series(tmp_path / "series", plane)
    mask = save_nifti(tmp_path / "a_seg.nii.gz", label, affine)
    write_dicom_seg(Bundle(MUSCLES), tmp_path / "series", mask, tmp_path / "a_seg.dcm")
    segmentation = highdicom.seg.segread(tmp_path / "a_seg.dcm")
    volume = segmentation.get_volume(combine_segments=True, relabel=False)
    to_lps = volume.affine  # of index (frame, row, column)
    for number, value in ((1, 1), (2, 4)):
        found = np.argwhere(volume.array == number)
        assert len(found) == np.count_nonzero(label == value)
        centroid = to_lps[:3, :3] @ found.mean(0) + to_lps[:3, 3]
        np.testing.assert_allclose(centroid, world(affine, label == value), atol=1e-3)
    first, second = segmentation.SegmentSequence
    assert first.SegmentLabel == "right erector spinae" and second.SegmentLabel == "left erector spinae"
    kind = second.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("44947003", "SCT")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "series").iterdir()}
    referenced = {item.ReferencedSOPInstanceUID for item in segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert referenced <= sources and segmentation.FrameOfReferenceUID == "1.2.3.5"


def test_dicom_seg_of_an_enhanced_image_in_a_zip(tmp_path):
    volume = np.random.default_rng(0).integers(0, 900, (12, 10, 6))
    scan = write_enhanced(tmp_path / "scan.dcm", volume, **STUDY)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        archive.write(scan, "DICOM/1")
    affine = np.asarray(LoadVolumed("image")({"image": str(tmp_path / "scan.zip")})["image"].affine)
    label = np.zeros((12, 10, 6), np.uint8)
    label[1:5, 2:4, 1:3] = 1
    mask = save_nifti(tmp_path / "a_seg.nii.gz", label, affine)
    write_dicom_seg(Bundle(MUSCLES), tmp_path / "scan.zip", mask, tmp_path / "a_seg.dcm")
    volume = highdicom.seg.segread(tmp_path / "a_seg.dcm").get_volume(combine_segments=True, relabel=False)
    found = np.argwhere(volume.array == 1)
    assert len(found) == label.sum()
    np.testing.assert_allclose(volume.affine[:3, :3] @ found.mean(0) + volume.affine[:3, 3], world(affine, label == 1), atol=1e-3)


def labelled(folder, bundle):
    """A DICOM source of a bundle's modality, and a mask of all its classes on its grid."""
    values = [int(value) for value in bundle.metadata["segment_codes"]]
    label = np.zeros((14, 12, 5), np.uint8)
    if bundle.modality == "DX":
        source = write_radiograph(folder / "film.dcm", np.full((12, 14), 900), SeriesInstanceUID=SERIES, SeriesNumber=1, **FILM)
        image, label = RadiographReader().get_data(RadiographReader().read(str(source)))[1], label[..., :1]
        affine = np.asarray(image["affine"])
    else:
        image = nibabel.Nifti1Image(np.random.default_rng(0).integers(0, 900, label.shape).astype(float), OBLIQUE_GRID)
        source = write_series(folder / "series", image, bundle.modality)
        affine = np.asarray(LoadVolumed("image")({"image": str(source)})["image"].affine)
    for index, value in enumerate(values):
        label[index % 13 : index % 13 + 2, 2 + 4 * (index // 13) : 5 + 4 * (index // 13), : 1 + index % 3] = value
    return source, label, affine, save_nifti(folder / "a_seg.nii.gz", label, affine)


@pytest.mark.parametrize("bundle", SEGMENTING, ids=lambda bundle: bundle.name)
def test_every_export_of_every_bundle(tmp_path, bundle):
    """As highdicom, pynrrd and pydicom read it: voxels, names, codes and colours of all classes; and as dciodvfy judges it."""
    source, label, affine, mask = labelled(tmp_path, bundle)
    values = [int(value) for value in np.unique(label) if value]
    colours = np.round(255 * np.array([label_colour(value) for value in values]))
    codes = [bundle.metadata["segment_codes"][str(value)] for value in values]
    names = [bundle.classes[str(value)] for value in values]

    write_dicom_seg(bundle, source, mask, tmp_path / "a_seg.dcm")
    segmentation = highdicom.seg.segread(tmp_path / "a_seg.dcm")
    if bundle.modality == "DX":
        frames = segmentation.get_pixels_by_source_instance(
            [pydicom.dcmread(source).SOPInstanceUID], combine_segments=True, relabel=False
        )
        found = frames.transpose(2, 1, 0)
    else:
        found = segment_on_grid(segmentation, affine, label.shape)
    assert np.array_equal(np.array([0, *values])[found], label)
    segments = segmentation.SegmentSequence
    assert [segment.SegmentLabel for segment in segments] == names
    assert [segment.SegmentedPropertyTypeCodeSequence[0].CodeValue for segment in segments] == [code["type"][0] for code in codes]
    shown = [CIELabColor.from_dicom_value(segment.RecommendedDisplayCIELabValue).to_rgb() for segment in segments]
    np.testing.assert_allclose(shown, colours, atol=3)

    write_seg_nrrd(bundle, mask, tmp_path / "a.seg.nrrd")
    array, header = nrrd.read(str(tmp_path / "a.seg.nrrd"))
    assert np.array_equal(array, label)
    for index, (name, code, colour) in enumerate(zip(names, codes, colours, strict=True)):
        assert header[f"Segment{index}_Name"] == name
        parts = header[f"Segment{index}_Tags"].removeprefix("TerminologyEntry:").split("~")
        wanted = ["^".join(("SCT", *code[part])) if part in code else "^^" for part in ("category", "type", "modifier")]
        assert parts[1:4] == wanted and len(parts) == 7
        np.testing.assert_allclose(255 * np.array(header[f"Segment{index}_Color"].split(), float), colour, atol=0.1)

    files = ["a_seg.dcm"]
    if bundle.modality == "DX":
        with pytest.raises(UserError, match="a radiograph has no place in space"):
            write_rtstruct(bundle, source, mask, tmp_path / "a_rtstruct.dcm")
    else:
        write_rtstruct(bundle, source, mask, tmp_path / "a_rtstruct.dcm")
        regions = pydicom.dcmread(tmp_path / "a_rtstruct.dcm")
        assert [region.ROIName for region in regions.StructureSetROISequence] == names
        assert [list(region.ROIDisplayColor) for region in regions.ROIContourSequence] == colours.tolist()
        kinds = [item.RTROIIdentificationCodeSequence[0].CodeValue for item in regions.RTROIObservationsSequence]
        assert kinds == [code["type"][0] for code in codes]
        files.append("a_rtstruct.dcm")
    if shutil.which("dciodvfy"):
        for file in files:
            checked = subprocess.run(["dciodvfy", str(tmp_path / file)], capture_output=True, text=True)
            assert "Error" not in checked.stdout + checked.stderr, file


def test_what_cannot_be_a_dicom_seg(tmp_path):
    affine, label = series(tmp_path / "series", "axial")
    empty = save_nifti(tmp_path / "empty_seg.nii.gz", label * 0, affine)
    with pytest.raises(UserError, match="nothing was found"):
        write_dicom_seg(Bundle(MUSCLES), tmp_path / "series", empty, tmp_path / "a.dcm")
    shifted = save_nifti(tmp_path / "b_seg.nii.gz", label, affine + np.eye(4, k=3) * 5)
    with pytest.raises(UserError, match="another grid"):
        write_dicom_seg(Bundle(MUSCLES), tmp_path / "series", shifted, tmp_path / "a.dcm")
    with pytest.raises(UserError, match="no DICOM, whose images") as refused:
        write_dicom_seg(Bundle(MUSCLES), shifted, shifted, tmp_path / "a.dcm")
    assert "Use --seg-nrrd" in str(refused.value)
    assert not (tmp_path / "a.dcm").exists()


@pytest.mark.parametrize("odd", [None, "unknown"])
def test_images_whose_names_and_dates_were_removed(tmp_path, caplog, odd):
    affine, label = series(tmp_path / "series", "axial")
    tags = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber"]
    for path in (tmp_path / "series").iterdir():
        dataset = pydicom.dcmread(path)
        for tag in (*tags, "SliceThickness") if odd is None else ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
            dataset.pop(tag) if odd is None else setattr(dataset, tag, odd)
        dataset.save_as(path)
    mask = save_nifti(tmp_path / "a_seg.nii.gz", label, affine)
    for write in (write_dicom_seg, write_rtstruct):
        write(Bundle(MUSCLES), tmp_path / "series", mask, tmp_path / f"{write.__name__}.dcm")
        written = pydicom.dcmread(tmp_path / f"{write.__name__}.dcm")
        assert written.PatientBirthDate == written.PatientSex == written.StudyDate == "" and written.StudyInstanceUID == "1.2.3.4"
    assert highdicom.seg.segread(tmp_path / "write_dicom_seg.dcm").get_volume(combine_segments=True).spacing[0] == pytest.approx(4)
    assert ("StudyDate holds what DICOM does not allow" in caplog.text) == (odd is not None)


@pytest.mark.parametrize("tag", ["StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"])
def test_images_without_what_results_refer_to(tmp_path, tag):
    affine, label = series(tmp_path / "series", "axial")
    for path in (tmp_path / "series").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.pop(tag)
        dataset.save_as(path, enforce_file_format=False)
    mask = save_nifti(tmp_path / "a_seg.nii.gz", label, affine)
    for write in (write_dicom_seg, write_rtstruct):
        with pytest.raises(UserError, match=f"no {tag}"):
            write(Bundle(MUSCLES), tmp_path / "series", mask, tmp_path / "a.dcm")


def test_seg_nrrd_names_colours_and_lies_right(tmp_path):
    label = np.zeros((7, 8, 9), np.uint8)
    label[1:3, 2:4, 3:8], label[5, 5, 5] = 20, 24
    affine = np.array([[0, -1.5, 0, 10], [2.0, 0, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]])
    mask = save_nifti(tmp_path / "a_seg.nii.gz", label, affine)
    write_seg_nrrd(Bundle(VERTEBRAE), mask, tmp_path / "a.seg.nrrd")
    array, header = nrrd.read(str(tmp_path / "a.seg.nrrd"))
    assert np.array_equal(array, label)
    assert (header["Segment0_Name"], header["Segment0_LabelValue"], header["Segment1_Name"]) == ("L1", "20", "L5")
    assert header["Segment0_Extent"] == "1 2 2 3 3 7"
    assert header["Segment0_Color"] != header["Segment1_Color"]
    assert header["Segment0_Tags"].split("~")[1:3] == ["SCT^91723000^Anatomical Structure", f"SCT^{'^'.join(VERTEBRA_L1)}"]
    to_world = np.array(header["space directions"]).T
    centroid = to_world @ np.argwhere(array == 20).mean(0) + header["space origin"]
    np.testing.assert_allclose(centroid, world(nibabel.load(mask).affine, label == 20))


def test_every_class_of_every_segmentation_bundle_has_a_code():
    for bundle in all_bundles():
        if bundle.is_segmentation:
            assert set(bundle.metadata["segment_codes"]) == set(bundle.classes) - {"0"}, bundle.name


def test_one_palette_in_mask_dicom_and_nrrd(tmp_path):
    affine, label = series(tmp_path / "series", "axial")
    image = nibabel.Nifti1Image(label, affine)
    image.header.extensions.append(label_table(["a", "b", "c", "d"]))
    nibabel.save(image, tmp_path / "a_seg.nii.gz")
    write_dicom_seg(Bundle(MUSCLES), tmp_path / "series", tmp_path / "a_seg.nii.gz", tmp_path / "a_seg.dcm")
    write_seg_nrrd(Bundle(MUSCLES), tmp_path / "a_seg.nii.gz", tmp_path / "a.seg.nrrd")
    expected = np.round(255 * np.array([label_colour(1), label_colour(4)]))
    labels = ET.fromstring(nibabel.load(tmp_path / "a_seg.nii.gz").header.extensions[0].get_content()).iter("Label")
    table = [[255 * float(item.get(name)) for name in ("Red", "Green", "Blue")] for item in labels]
    np.testing.assert_allclose([table[0], table[3]], expected, atol=0.1)
    segments = pydicom.dcmread(tmp_path / "a_seg.dcm").SegmentSequence
    found = [CIELabColor.from_dicom_value(item.RecommendedDisplayCIELabValue).to_rgb() for item in segments]
    np.testing.assert_allclose(found, expected, atol=3)
    header = nrrd.read_header(str(tmp_path / "a.seg.nrrd"))
    found = [[255 * float(part) for part in header[f"Segment{n}_Color"].split()] for n in range(2)]
    np.testing.assert_allclose(found, expected, atol=0.1)
