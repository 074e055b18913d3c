"""Series are written with pydicom, one fault each; regular ones are compared with ITK."""

import zipfile

import numpy as np
import odd_files
import pydicom
import pytest
from dicom_files import write_enhanced, write_slice
from monai.transforms import LoadImage

from custom_networks import DicomSeriesReader, LoadRadiographd, LoadVolumed, UserError, case_name, find_cases


def write_series(folder, count: int = 5, changed: int | None = None, step=(0, 0, 4), **tags):
    folder.mkdir(exist_ok=True)
    volume = np.random.default_rng(0).integers(0, 900, (count, 6, 9))
    for index in range(count):
        position = np.array([10.0, -20.0, 30.0]) + index * np.array(step)
        path = folder / f"{(index * 7) % 10}.dcm"
        write_slice(path, position, volume[index], index, **(tags if changed in (None, index) else {}))
    return folder, volume.transpose(2, 1, 0)


def load(path):
    return LoadVolumed("image")({"image": str(path)})["image"]


def test_slices_are_sorted_by_position_and_agree_with_itk(tmp_path):
    folder, volume = write_series(tmp_path / "series")
    image = load(folder)
    assert np.array_equal(image.numpy(), volume)
    itk = LoadImage(image_only=True, reader="ITKReader")(str(folder))
    np.testing.assert_allclose(image.affine, itk.affine, atol=1e-6)
    assert np.array_equal(image.numpy(), itk.numpy())


def test_descending_files_give_the_same_place_in_space(tmp_path):
    up, _ = write_series(tmp_path / "up")
    down, _ = write_series(tmp_path / "down", step=(0, 0, -4))
    assert load(up).affine[2, 2] > 0 and load(down).affine[2, 2] > 0


def test_rescaling_differs_by_slice(tmp_path):
    folder, volume = write_series(tmp_path / "series", changed=2, RescaleSlope=0.5, RescaleIntercept=-10)
    np.testing.assert_allclose(load(folder).numpy()[..., 2], volume[..., 2] * 0.5 - 10)
    assert np.array_equal(load(folder).numpy()[..., 1], volume[..., 1])


def test_monochrome1_is_inverted(tmp_path):
    folder, volume = write_series(tmp_path / "series", count=1, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(load(folder).numpy(), volume.max() + volume.min() - volume)


def test_single_file_takes_its_thickness(tmp_path):
    folder, _ = write_series(tmp_path / "series", count=1)
    image = load(next(folder.iterdir()))
    assert image.shape == (9, 6, 1)
    assert np.linalg.norm(image.affine[:3, 2]) == pytest.approx(4)


def refused(folder, message: str) -> None:
    with pytest.raises(UserError, match=message):
        DicomSeriesReader().read(str(folder))


def test_a_missing_slice_is_refused(tmp_path):
    folder, _ = write_series(tmp_path / "series")
    (folder / "4.dcm").unlink()  # index 2
    refused(folder, r"a gap of 8\.00 mm")


def test_a_duplicate_slice_is_refused(tmp_path):
    folder, _ = write_series(tmp_path / "series")
    (folder / "copy.dcm").write_bytes((folder / "4.dcm").read_bytes())
    refused(folder, "two slices at the same position")


def test_gantry_tilt_is_refused(tmp_path):
    refused(write_series(tmp_path / "series", step=(0, 1.2, 4))[0], "gantry tilt")


def test_mixed_series_are_refused_and_listed(tmp_path):
    refused(
        write_series(tmp_path / "series", changed=1, SeriesInstanceUID="1.2.3", SeriesNumber=4)[0],
        r"2 series: number \d \(MR, . files, .*; number \d .*Choose one with --series",
    )


def test_a_localizer_among_slices_is_refused(tmp_path):
    refused(write_series(tmp_path / "series", changed=1, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])[0], "different orientation")


def test_a_missing_pixel_spacing_is_refused(tmp_path):
    refused(write_series(tmp_path / "series", PixelSpacing=None)[0], "PixelSpacing is missing")


def test_colour_is_refused(tmp_path):
    refused(write_series(tmp_path / "series", SamplesPerPixel=3)[0], "a colour image")


@pytest.mark.parametrize("name", ["readme.txt", "Thumbs.db", "preview.jpg", "scan.nii.gz", "DICOMDIR", "a_seg.nii.gz", "a.pdf"])
def test_other_files_in_the_folder_are_passed_over_and_named(tmp_path, caplog, name):
    folder, volume = write_series(tmp_path / "series")
    (folder / name).write_bytes(b"not DICOM")
    assert np.array_equal(load(folder).numpy(), volume)
    ours = name in ("DICOMDIR", "a_seg.nii.gz")
    assert ours or f"{name} beside the DICOM files; skipped" in caplog.text


@pytest.mark.parametrize("name", ["7.dcm", "IM0007", "1.2.840.7", "7.dicom", "README"])
def test_what_may_be_a_slice_that_lost_its_mark_is_refused(tmp_path, name):
    folder, _ = write_series(tmp_path / "series")
    (folder / name).write_bytes(bytes(500))
    refused(folder, rf"{name}: not a DICOM file")


def test_a_segmentation_beside_its_scan_is_no_further_series(tmp_path):
    folder, volume = write_series(tmp_path / "series")
    write_slice(
        folder / "x.dcm", (0, 0, 0), volume[..., 0].T, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", SeriesInstanceUID="1.2.3"
    )
    assert np.array_equal(load(folder).numpy(), volume)


def test_the_odd_slice_is_named_where_it_comes_first(tmp_path):
    folder, volume = write_series(tmp_path / "series")
    write_slice(folder / "-.dcm", (0, 0, 0), volume[..., 0].T, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    refused(folder, r"-\.dcm: slices of different orientation")


def test_pydicoms_own_sample_of_an_mr_slice():
    path = pydicom.data.get_testdata_file("MR_small.dcm")
    dataset = pydicom.dcmread(path)
    image = load(path)
    assert np.array_equal(image.numpy()[..., 0], dataset.pixel_array.T)


def test_monochrome1_is_inverted_over_the_whole_volume(tmp_path):
    folder, volume = write_series(tmp_path / "series", PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(load(folder).numpy(), volume.max() + volume.min() - volume)


def two_series(tmp_path):
    """One folder with series 3, five slices, and series 8, two slices."""
    folder, volume = write_series(tmp_path / "study")
    for index in range(2):
        pixels = np.full((6, 9), 100 + index)
        write_slice(folder / f"other{index}.dcm", [0, 0, 3.0 * index], pixels, SeriesInstanceUID="1.2.3", SeriesNumber=8)
    return folder, volume


@pytest.mark.parametrize("number", ["8", "1.2.3"])
def test_a_series_is_chosen_by_number_or_uid(tmp_path, number):
    folder, volume = two_series(tmp_path)
    assert load(f"{folder}#{number}").numpy()[0, 0].tolist() == [100, 101]
    assert np.array_equal(load(f"{folder}#3").numpy(), volume)
    refused(folder, r"2 series: number 3 \(MR, 5 files")
    refused(f"{folder}#4", r"series 4: no such series; there are number 3")


@pytest.mark.parametrize("number", [None, 8])
def test_cases_name_the_chosen_series(tmp_path, number):
    folder, _ = two_series(tmp_path)
    (case,) = find_cases(folder, number=number)
    assert case_name(case["image"]) == ("study" if number is None else "study_series8")


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("viewer/autorun.exe", b"MZ" * 100)
        for file in folder.iterdir():
            archive.write(file, f"DICOM/{file.name}")
    return path


def test_zipped_studies(tmp_path):
    folder, volume = two_series(tmp_path)
    path = zipped(folder, tmp_path / "anna.zip")
    assert np.array_equal(load(f"{path}#3").numpy(), volume)
    refused(path, "2 series")
    (tmp_path / "scans").mkdir()
    path.rename(tmp_path / "scans" / "anna.zip")
    (tmp_path / "scans" / "backup.zip").write_bytes(b"no zip")
    study, damaged = find_cases(tmp_path / "scans", number=3)
    assert study["case"] == "anna_series3" and "error" not in study
    assert "backup.zip: not a zip that can be read" in damaged["error"]


def test_zips_that_are_no_studies(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    refused(tmp_path / "broken.zip", "cannot be unpacked")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refused(tmp_path / "empty.zip", "no DICOM images")


def test_enhanced_multi_frame_images_agree_with_the_single_frames(tmp_path):
    folder, volume = write_series(tmp_path / "series", RescaleSlope=2.0, RescaleIntercept=-5)
    single = load(folder)
    enhanced = load(write_enhanced(tmp_path / "enhanced.dcm", volume, slopes=[2.0] * 5, intercepts=[-5.0] * 5))
    np.testing.assert_allclose(enhanced.affine, single.affine)
    np.testing.assert_array_equal(enhanced.numpy(), single.numpy())
    changed = load(write_enhanced(tmp_path / "slopes.dcm", volume, slopes=[1.0, 1, 3, 1, 1], intercepts=[0.0] * 5))
    np.testing.assert_array_equal(changed.numpy()[..., 2], volume[..., 2] * 3)


def test_frames_without_a_place(tmp_path):
    _, volume = write_series(tmp_path / "series")
    refused(write_enhanced(tmp_path / "a.dcm", volume, positions=False), "frame 1 has no PlanePositionSequence")
    many = tmp_path / "many.dcm"
    write_slice(many, [0, 0, 0], np.zeros((6, 9)), NumberOfFrames=2, PixelData=np.zeros((2, 6, 9), "<u2").tobytes())
    refused(many, "several frames without a place")


@pytest.mark.parametrize(
    "name", ["MR_small.dcm", "CT_small.dcm", "eCT_Supplemental.dcm", "emri_small.dcm", "rtdose.dcm", "US1_UNCR.dcm"]
)
def test_pydicoms_samples_load_or_say_why(name):
    try:
        path = pydicom.data.get_testdata_file(name, download=False)
    except Exception:
        path = None
    if path is None:
        pytest.skip("not in this pydicom")
    try:
        image = load(path)
    except UserError as error:
        assert str(error).startswith(str(path))
    else:
        frames = int(pydicom.dcmread(path).get("NumberOfFrames", 1))
        assert image.shape[2] == frames


def test_what_pydicom_prints_is_not_shown(tmp_path, caplog):
    """A damaged stream makes it log a traceback; the user gets one line that names the slice."""
    folder = odd_files.series(then=odd_files.repacked(pydicom.uid.JPEG2000Lossless))(tmp_path)
    with pytest.raises(UserError, match=r"s0\.dcm: its pixels are damaged \([^<>]*\)"):
        load(folder)
    assert not [record for record in caplog.records if record.name.startswith("pydicom")]


def test_twelve_bits_of_jpeg_need_another_decoder():
    path = pydicom.data.get_testdata_file("JPGExtended.dcm", download=False)
    with pytest.raises(UserError, match=r"packed as JPEG Extended.*cannot be unpacked here\. Install a decoder: pip install"):
        LoadRadiographd("image")({"image": str(path)})
