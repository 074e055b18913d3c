import gzip
import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from monai.transforms import EnsureChannelFirstd

from custom_networks import UserError
from custom_networks.errors import WrongFilesError
from custom_networks.transforms.checking.check_label import CheckLabeld
from custom_networks.transforms.loading.load_volume import LoadVolumed
from tools.datasets.digits import prepare_digits
from tools.datasets.folder import PHANTOM_SHARE, prepare_folder
from tools.datasets.scgm import LABELS, majority_vote, prepare_scgm
from tools.layout.data_list import split_in_order


def read(path) -> dict:
    return json.loads(path.read_text())


def labels_of(folder, entry) -> np.ndarray:
    return np.asarray(nibabel.load(folder / entry["label"]).dataobj)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [([0, 1, 1, 2], 1), ([2, 2, 2, 0], 2), ([0, 0, 2, 2], 0), ([1, 1, 2, 2], 1), ([2], 2), ([0, 1, 2], 0)],
)
def test_majority_vote(votes, expected):
    assert majority_vote([np.array([vote]) for vote in votes]).tolist() == [expected]


def test_scgm_in_its_official_form(tmp_path):
    source = tmp_path / "challenge"
    source.mkdir()
    for case in ("site1-sc01", "site2-sc03"):
        save_nifti(source / f"{case}-image.nii.gz", np.random.rand(4, 5, 3).astype(np.float32))
        for rater in range(1, 5):
            mask = np.zeros((4, 5, 3), np.uint8)
            mask[1:3, 1:4] = 1
            mask[1, 2] = 2 if rater < 4 else 1
            mask[2, 2] = 2 if rater == 4 else 1
            save_nifti(source / f"{case}-mask-r{rater}.nii.gz", mask)
    save_nifti(source / "site1-sc11-image.nii.gz", np.random.rand(4, 5, 3).astype(np.float32))
    report = prepare_scgm(source, tmp_path / "out", test=["site2*"])
    assert report.left_out == ["site1-sc11-image.nii.gz: no mask of any rater"]
    data = read(report.data_list)
    assert [len(data[section]) for section in ("training", "validation", "test")] == [1, 0, 1]
    label = labels_of(tmp_path / "out", data["test"][0])
    assert label[1, 2].tolist() == [1] * 3 and label[2, 2].tolist() == [2] * 3 and label[0].max() == 0


def test_masks_become_one_label_map_in_the_order_of_their_names(tmp_path):
    gray, cord = np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 2), np.uint8)
    gray[1, 1], cord[1:3, 1:3] = 1, 1
    save_nifti(tmp_path / "a_image.nii.gz", np.random.rand(4, 4, 2).astype(np.float32))
    save_nifti(tmp_path / "a_gm.nii.gz", gray)
    save_nifti(tmp_path / "a_cord.nii.gz", cord)
    save_nifti(tmp_path / "b_image.nii.gz", np.random.rand(4, 4, 2).astype(np.float32))
    report = prepare_folder(tmp_path, tmp_path / "out", LABELS, masks=[(1, "_gm"), (2, "_cord")])
    label = labels_of(tmp_path / "out", read(report.data_list)["training"][0])
    assert label[1, 1, 0] == 1 and label[2, 2, 0] == 2 and label[0, 0, 0] == 0
    assert report.left_out == ["b_image.nii.gz: b_gm.nii.gz is missing"]


def test_images_and_labels_in_two_folders(tmp_path):
    for part in ("imagesTr", "labelsTr"):
        (tmp_path / part).mkdir()
        for case in range(5):
            save_nifti(tmp_path / part / f"c{case}.nii.gz", np.ones((3, 3, 2), np.uint8))
    data = read(prepare_folder(tmp_path, tmp_path / "out", LABELS).data_list)
    assert [len(data[section]) for section in ("training", "validation", "test")] == [3, 1, 1]


def test_phantoms_take_their_share_and_validate(tmp_path):
    save_nifti(tmp_path / "a_image.nii.gz", np.random.rand(8, 8, 6).astype(np.float32))
    label = np.zeros((8, 8, 6), np.uint8)
    label[2, 2, :4] = 1
    save_nifti(tmp_path / "a_label.nii.gz", label)
    data = read(prepare_folder(tmp_path, tmp_path / "out", LABELS, phantoms=6).data_list)
    weights = {entry["image"]: entry["weight"] for entry in data["training"]}
    assert weights.pop("images/a.nii.gz") == 4
    assert sum(weights.values()) / (4 + sum(weights.values())) == pytest.approx(PHANTOM_SHARE, abs=1e-3)
    assert [entry["image"] for entry in data["validation"]] == ["phantom_000_image.nii.gz"]


@pytest.mark.parametrize(
    ("label", "affine", "message"),
    [
        (np.full((3, 3, 2), 9, np.uint8), np.eye(4), r"a_label\.nii\.gz: values 9 are not labels"),
        (np.ones((3, 3, 1), np.uint8), np.eye(4), r"a_label\.nii\.gz: shape"),
        (np.ones((3, 3, 2), np.uint8), np.diag([2, 1, 1, 1]), r"a_label\.nii\.gz: lies elsewhere"),
    ],
)
def test_misfitting_labels_are_named(tmp_path, label, affine, message):
    save_nifti(tmp_path / "a_image.nii.gz", np.ones((3, 3, 2), np.uint8))
    save_nifti(tmp_path / "a_label.nii.gz", label, affine)
    with pytest.raises(UserError, match=message):
        prepare_folder(tmp_path, tmp_path / "out", LABELS)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.ones((3, 3, 2), np.complex64), "a_label.nii.gz: holds complex numbers"),
        (np.zeros((3, 3, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "a_label.nii.gz: holds colours"),
        (np.ones((3, 3, 2, 2), np.uint8), "a_image.nii.gz: has 4 axes"),
    ],
)
def test_files_of_other_kinds_are_told(tools, tmp_path, label, message):
    """Labels of colours ended as a bug in the program; films were taken, and training ended on them."""
    save_nifti(tmp_path / "a_image.nii.gz", np.ones(label.shape, np.uint8))
    save_nifti(tmp_path / "a_label.nii.gz", label)
    code, printed = tools("prepare", "folder", tmp_path, tmp_path / "out")
    assert code == 1 and message in printed and not (tmp_path / "out").exists()


def test_all_wrong_cases_are_told_in_one_go(tools, tmp_path):
    """One at a time they took as many calls; and half a data set was left, or lay over the one before."""
    good = np.ones((3, 3, 2), np.uint8)
    (tmp_path / "in").mkdir()
    for case, label in {"a": good, "b": good * 9, "c": good[..., :1], "d": good}.items():
        save_nifti(tmp_path / "in" / f"{case}_image.nii.gz", good)
        save_nifti(tmp_path / "in" / f"{case}_label.nii.gz", label)
    (tmp_path / "in" / "d_image.nii.gz").write_bytes(b"broken")
    code, printed = tools("prepare", "folder", tmp_path / "in", tmp_path / "out")
    lines = printed.splitlines()
    assert code == 1 and "b_label.nii.gz: values 9 are not labels" in lines[0] and lines[1] == "  Fix the label map."
    assert "c_label.nii.gz: shape" in lines[2] and lines[3] == "  Draw it on the image's grid."
    assert "d_image.nii.gz: cannot be read" in lines[4] and lines[6] == "error: 3 of 4 cases are wrong; nothing was written."
    assert not (tmp_path / "out").exists()


def pair(folder, name, image=None, label=None, affine=None):
    """Write an image and its label map of 4x4x3 voxels."""
    folder.mkdir(exist_ok=True)
    image = np.random.default_rng(len(name)).normal(size=(4, 4, 3)).astype(np.float32) if image is None else image
    save_nifti(folder / f"{name}_image.nii.gz", image, affine)
    save_nifti(folder / f"{name}_label.nii.gz", np.ones((4, 4, 3), np.uint8) if label is None else label, affine)
    return folder


def header_without_place() -> bytes:
    header = nibabel.Nifti1Header()
    header.set_data_shape((4, 4, 3))
    header["sform_code"], header["srow_y"], header["srow_z"], header["vox_offset"] = 1, [0, 1, 0, 0], [0, 0, 1, 0], 352
    return header.binaryblock + bytes(4) + np.ones(48, np.float32).tobytes()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.full((4, 4, 3), np.nan, np.float32), "a_image.nii.gz: 48 values are NaN or infinite"),
        (np.full((4, 4, 3), np.inf, np.float32), "a_image.nii.gz: 48 values are NaN or infinite"),
        (np.zeros((0, 4, 3), np.float32), "a_image.nii.gz: holds no voxel"),
        (np.zeros((4, 4, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "a_image.nii.gz: holds colours"),
    ],
)
def test_images_that_no_training_reads_are_told(tools, tmp_path, image, said):
    """They were taken, or ended as a bug in the program with half a data set written; training ended on them."""
    source = pair(tmp_path / "in", "a", image, np.ones(image.shape, np.uint8))
    code, printed = tools("prepare", "folder", source, tmp_path / "out")
    assert code == 1 and said in printed and not (tmp_path / "out").exists(), printed


def test_an_image_without_a_place_is_told(tools, tmp_path):
    source = pair(tmp_path / "in", "a")
    for name in ("b_image", "b_label"):
        (source / f"{name}.nii").write_bytes(header_without_place())
    code, printed = tools("prepare", "folder", source, tmp_path / "out")
    assert code == 1 and "b_image.nii: the image has no place in space" in printed and "1 of 2 cases" in printed


def test_units_of_the_image_are_those_of_its_label(tmp_path):
    """Label maps of images in micrometres were written without a unit, and did not fit in training."""
    source = pair(tmp_path / "in", "a", affine=np.diag([500.0, 500, 2000, 1]))
    image = nibabel.load(source / "a_image.nii.gz")
    image.header.set_xyzt_units("micron")
    nibabel.save(image, source / "b_image.nii.gz")
    save_nifti(source / "b_label.nii.gz", np.ones((4, 4, 3), np.uint8), np.diag([0.5, 0.5, 2, 1]))  # in mm, as other programs write
    (source / "a_image.nii.gz").unlink()
    folder = prepare_folder(source, tmp_path / "out", LABELS).data_list.parent
    data = {"image": str(folder / "images" / "b.nii.gz"), "label": str(folder / "labels" / "b.nii.gz")}
    data = EnsureChannelFirstd(["image", "label"], channel_dim="no_channel")(LoadVolumed(["image", "label"])(data))
    CheckLabeld("label", "image", 2)(data)
    np.testing.assert_allclose(np.linalg.norm(data["label"].affine[:3, :3], axis=0), [0.5, 0.5, 2], rtol=1e-5)


def test_trailing_axes_of_one_voxel_are_none(tmp_path):
    rng = np.random.default_rng(0)
    source = pair(tmp_path / "in", "a", rng.normal(size=(4, 4, 3, 1)).astype(np.float32))
    pair(source, "bb", label=np.ones((4, 4, 3, 1, 1), np.uint8))
    folder = prepare_folder(source, tmp_path / "out", LABELS).data_list.parent
    assert [nibabel.load(folder / "labels" / f"{name}.nii.gz").shape for name in ("a", "bb")] == [(4, 4, 3)] * 2


def test_names_that_differ_in_form_alone_are_pairs(tmp_path):
    """An accent that macOS takes apart; a label that is not packed as its image is."""
    source = pair(tmp_path / "in", "J\u00fcrg")
    (source / "J\u00fcrg_label.nii.gz").rename(source / "Ju\u0308rg_label.nii.gz")
    pair(source, "bb")
    nibabel.save(nibabel.load(source / "bb_label.nii.gz"), source / "bb_label.nii")
    (source / "bb_label.nii.gz").unlink()
    report = prepare_folder(source, tmp_path / "out", LABELS)
    assert len(report.cases) == 2 and not report.left_out


def test_what_macos_adds_is_passed_over(tmp_path):
    source = pair(tmp_path / "in", "a")
    for name in ("._a_image.nii.gz", "._a_label.nii.gz", ".hidden_image.nii.gz"):
        (source / name).write_bytes(b"no image")
    assert prepare_folder(source, tmp_path / "out", LABELS).cases == ["a"]


def test_a_data_set_is_not_made_in_its_source(tools, tmp_path):
    """Label maps lay over the originals."""
    for part in ("images", "labels"):
        (tmp_path / "in" / part).mkdir(parents=True)
        save_nifti(tmp_path / "in" / part / "a.nii.gz", np.ones((4, 4, 3), np.int16))
    code, printed = tools("prepare", "folder", tmp_path / "in", tmp_path / "in", "--overwrite")
    assert code == 2 and "holds what the data set is made of" in printed
    assert nibabel.load(tmp_path / "in" / "labels" / "a.nii.gz").get_data_dtype() == np.int16


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["x=organ"], "--label x=organ: not a label from 0 to 255"),
        (["300=organ"], "--label 300=organ: not a label"),
        (["-1=organ"], "not a label"),
        (["1="], "--label 1=: no name"),
        (["1=liver", "01=spleen"], "--label 1: 'liver' and 'spleen'"),
    ],
)
@pytest.mark.parametrize("command", ["folder", "volumes", "dicom-slices"])
def test_classes_that_are_none_are_said(tools, tmp_path, command, labels, said):
    """A text for a number was called a bug in the program; 300 was written as 44."""
    options = [word for label in labels for word in ("--label", label)]
    code, printed = tools("prepare", command, tmp_path, tmp_path / "out", *options)
    assert code == 2 and said in printed, printed


def test_a_wrong_case_leaves_the_data_set_before(tmp_path):
    for name in ("a_image", "a_label", "b_image", "b_label"):
        save_nifti(tmp_path / f"{name}.nii.gz", np.ones((3, 3, 2), np.uint8))
    prepare_folder(tmp_path, tmp_path / "out", LABELS)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    save_nifti(tmp_path / "a_image.nii.gz", np.zeros((3, 3, 2), np.uint8))
    save_nifti(tmp_path / "b_label.nii.gz", np.full((3, 3, 2), 9, np.uint8))
    with pytest.raises(UserError, match=r"b_label\.nii\.gz: values 9"):
        prepare_folder(tmp_path, tmp_path / "out", LABELS, overwrite=True)
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}


def test_empty_folder(tmp_path):
    with pytest.raises(UserError, match="no image with its label"):
        prepare_folder(tmp_path, tmp_path / "out", LABELS)


def test_pattern_without_a_case(tmp_path):
    for name in ("a_image", "a_label"):
        save_nifti(tmp_path / f"{name}.nii.gz", np.ones((3, 3, 2), np.uint8))
    with pytest.raises(UserError, match="z: no case of this name"):
        prepare_folder(tmp_path, tmp_path / "out", LABELS, test=["z"])


def test_digits_hold_out_a_fifth_of_every_class(tmp_path):
    data = read(prepare_digits(tmp_path, seed=0))
    assert [len(data[section]) for section in ("training", "validation", "test")] == [1365, 72, 360]
    names = [entry["image"] for section in ("training", "validation", "test") for entry in data[section]]
    assert len(set(names)) == 1797
    counts = np.bincount([entry["label"] for entry in data["test"]])
    assert counts.min() >= 34 and counts.max() <= 38


@pytest.mark.parametrize(("count", "sizes"), [(10, [6, 2, 2]), (5, [3, 1, 1]), (3, [1, 1, 1]), (2, [1, 1, 0]), (1, [1, 0, 0])])
def test_split_sizes(count, sizes):
    split = split_in_order([{"image": str(i)} for i in range(count)])
    assert [len(split[section]) for section in ("training", "validation", "test")] == sizes


def write_pair(folder, case: str, ending: str = ".nii.gz") -> None:
    save_nifti(folder / f"{case}_image{ending}", np.random.rand(4, 4, 2).astype(np.float32))
    save_nifti(folder / f"{case}_label{ending}", (np.random.rand(4, 4, 2) > 0.5).astype(np.uint8))


@pytest.mark.parametrize("case", ["scan [1]", "[!a]", "a[", "e\u0301", "*"])
def test_a_case_is_chosen_by_its_name_whatever_a_shell_would_make_of_it(tmp_path, case):
    for name in (case, "other", "third"):
        write_pair(tmp_path, name)
    typed = "\u00e9" if case == "e\u0301" else case
    data = read(prepare_folder(tmp_path, tmp_path / "out", LABELS, test=[typed], validation=[]).data_list)
    assert f"images/{case}.nii.gz" in [entry["image"] for entry in data["test"]]


def test_a_second_image_of_a_case_is_told(tmp_path):
    for name in "abc":
        write_pair(tmp_path, name)
    save_nifti(tmp_path / "a_image.nii", np.random.rand(4, 4, 2).astype(np.float32))
    report = prepare_folder(tmp_path, tmp_path / "out", LABELS)
    assert report.left_out == ["a_image.nii: a_image.nii.gz is taken, of the same case"]
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["a.nii.gz", "b.nii.gz", "c.nii.gz"]


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".NII.GZ"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_names_that_say_otherwise_than_files_are_packed(tmp_path, ending, kind):
    for name in "abc":
        write_pair(tmp_path, name)
    expected = labels_of(tmp_path, {"label": "a_label.nii.gz"}).copy()
    for part in ("image", "label"):
        path = tmp_path / f"a_{part}.nii.gz"
        kind.from_image(nibabel.load(path)).to_filename(tmp_path / "right.nii.gz")
        content = (tmp_path / "right.nii.gz").read_bytes()
        path.unlink()
        (tmp_path / f"a_{part}{ending}").write_bytes(content if ending == ".nii" else gzip.decompress(content))
    (tmp_path / "right.nii.gz").unlink()
    report = prepare_folder(tmp_path, tmp_path / "out", LABELS)
    assert report.cases == ["a", "b", "c"] and report.left_out == []
    entry = read(report.data_list)["training"][0]
    assert np.array_equal(labels_of(tmp_path / "out", entry), expected)
    assert LoadVolumed("image")({"image": str(tmp_path / "out" / entry["image"])})["image"].shape == (4, 4, 2)


def qform_only(path, array, affine):
    """Write an image whose sform has a code and no directions, so that the qform counts."""
    image = nibabel.Nifti1Image(array, affine)
    image.set_qform(affine, 1)
    raw = bytearray(image.to_bytes())
    raw[280:328] = bytes(48)  # the rows of the sform
    path.write_bytes(raw)


def test_labels_lie_where_their_images_are_read_to_lie(tmp_path):
    affine = np.diag([2.0, 3, 4, 1])
    affine[:3, 3] = 5, 6, 7
    for name in "abc":
        qform_only(tmp_path / f"{name}_image.nii", np.random.rand(4, 4, 2).astype(np.float32), affine)
        save_nifti(tmp_path / f"{name}_label.nii", (np.random.rand(4, 4, 2) > 0.5).astype(np.uint8), affine)
    report = prepare_folder(tmp_path, tmp_path / "out", LABELS)
    entry = read(report.data_list)["training"][0]
    for key in ("image", "label"):
        image = LoadVolumed(key)({key: str(tmp_path / "out" / entry[key])})[key]
        np.testing.assert_allclose(image.affine, affine, err_msg=key)


def test_raters_masks_are_looked_at_before_anything_is_written(tmp_path):
    source = tmp_path / "challenge"
    source.mkdir()
    mask = (np.random.rand(4, 5, 3) > 0.5).astype(np.uint8)
    for number in range(1, 6):
        save_nifti(source / f"site1-sc0{number}-image.nii.gz", np.random.rand(4, 5, 3).astype(np.float32))
        for rater in (1, 2):
            save_nifti(source / f"site1-sc0{number}-mask-r{rater}.nii.gz", mask)
    (source / "site1-sc02-mask-r2.nii.gz").write_bytes(b"damaged")
    save_nifti(source / "site1-sc03-mask-r2.nii.gz", mask, np.diag([2.0, 1, 1, 1]))
    save_nifti(source / "site1-sc04-mask-r2.nii.gz", mask * np.float32(0.5))
    save_nifti(source / "site1-sc05-mask-r2.nii.gz", mask[1:])
    with pytest.raises(WrongFilesError) as found:
        prepare_scgm(source, tmp_path / "out")
    assert [str(fault).partition(":")[0][-23:] for fault in found.value.faults] == [
        f"site1-sc0{number}-mask-r2.nii.gz"[-23:] for number in (2, 3, 4, 5)
    ]
    assert not (tmp_path / "out").exists()
