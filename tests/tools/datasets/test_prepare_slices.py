"""Axial slices: from DICOM with label pictures, and from volumes."""

import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from dicom_files import write_slice
from PIL import Image

from custom_networks import UserError
from tools.datasets.slices import prepare_dicom_slices, prepare_volumes

LABELS = {"0": "background", "1": "right muscle", "2": "left muscle"}
PIXELS = np.arange(54).reshape(6, 9)  # rows, columns
LABEL = np.zeros((6, 9), np.uint8)
LABEL[1, 2:5], LABEL[4, 7] = 1, 2


def save_label(path, label) -> None:
    np.save(path, label) if path.suffix == ".npy" else Image.fromarray(label).save(path)


@pytest.fixture
def source(tmp_path):
    for folder in ("dicoms", "labels"):
        (tmp_path / "train" / folder).mkdir(parents=True)
    return tmp_path


def add(source, name: str, label=LABEL, kind: str = ".png", **tags) -> None:
    pixels = PIXELS + ord(name) - ord("a")  # equal images may not be split
    write_slice(source / "train" / "dicoms" / f"{name}.dcm", (10, -20, 30), pixels, **tags)
    save_label(source / "train" / "labels" / f"{name}{kind}", label)


def entry_arrays(path, name: str) -> list[nibabel.Nifti1Image]:
    content = json.loads(path.read_text())
    entries = [entry for section in ("training", "validation", "test") for entry in content[section]]
    entry = next(entry for entry in entries if entry["image"].startswith(name))
    return [nibabel.load(path.parent / entry[key]) for key in ("image", "label")]


@pytest.mark.parametrize("kind", [".png", ".npy"])
def test_a_slice_and_its_label_lie_at_the_same_pixels_and_in_the_right_place(source, tmp_path, kind):
    add(source, "a", kind=kind)
    add(source, "b", kind=kind)
    report = prepare_dicom_slices(source, tmp_path / "set", LABELS, test=["b"])
    image, label = entry_arrays(report.data_list, "a_")
    assert np.array_equal(np.asarray(image.dataobj)[..., 0], PIXELS.T)
    assert np.array_equal(np.asarray(label.dataobj)[..., 0], LABEL.T)
    np.testing.assert_allclose(image.affine[:3, 3], [-10, 20, 30], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(image.affine[:3, :3], axis=0), [0.8, 0.5, 4], atol=1e-5)
    content = json.loads(report.data_list.read_text())
    assert content["labels"] == LABELS and [entry["image"][0] for entry in content["test"]] == ["b"]


def test_what_has_no_partner_is_reported(source, tmp_path):
    add(source, "a")
    add(source, "b")
    write_slice(source / "train" / "dicoms" / "c.dcm", (0, 0, 0), PIXELS)
    save_label(source / "train" / "labels" / "d.png", LABEL)
    report = prepare_dicom_slices(source, tmp_path / "set", LABELS)
    assert report.cases == ["a", "b"]
    assert report.left_out == ["train/dicoms/c.dcm: no label of this name", "train/labels/d.png: no slice of this name"]


def test_slices_without_a_label_of_their_name_are_refused(source, tmp_path):
    write_slice(source / "train" / "dicoms" / "c.dcm", (0, 0, 0), PIXELS)
    save_label(source / "train" / "labels" / "d.png", LABEL)
    with pytest.raises(UserError, match=r"no slice has a label of its name.*\n*.*c.png"):
        prepare_dicom_slices(source, tmp_path / "set", LABELS)


def test_a_jpg_that_kept_its_values_is_taken(source, tmp_path):
    add(source, "a", np.full((6, 9), 1, np.uint8), ".jpg")
    _, label = entry_arrays(prepare_dicom_slices(source, tmp_path / "set", LABELS).data_list, "a_")
    assert np.unique(label.dataobj).tolist() == [1]


@pytest.mark.parametrize(
    ("label", "kind", "message"),
    [
        (np.full((6, 9), 3, np.uint8), ".png", "values 3 are not regions from 0 to 2"),
        (np.full((6, 9), 0.5), ".npy", "values 0.5 are not regions"),
        (LABEL * 127, ".jpg", "JPG changes values"),
        (np.zeros((6, 9, 3), np.uint8) + np.array([1, 90, 200], np.uint8), ".png", "a colour picture"),
        (LABEL.T.copy(), ".png", "6x9 pixels, but a.dcm has 9x6"),
        (np.zeros((6, 9, 2)), ".npy", "an array of 3 axes"),
        (LABEL.astype(complex), ".npy", "holds no plain numbers (complex128)"),
        (np.full((6, 9), "1"), ".npy", "holds no plain numbers (<U1)"),
    ],
)
def test_labels_that_are_none(source, tmp_path, label, kind, message):
    add(source, "a", label, kind)
    with pytest.raises(UserError) as error:
        prepare_dicom_slices(source, tmp_path / "set", LABELS)
    assert message in str(error.value) and f"a{kind}" in str(error.value)


def test_a_single_slice_trains(source, tmp_path):
    """It validated, and nothing was left to train on."""
    add(source, "a")
    content = json.loads(prepare_dicom_slices(source, tmp_path / "set", LABELS).data_list.read_text())
    assert [len(content[section]) for section in ("training", "validation", "test")] == [1, 0, 0]


def test_all_wrong_slices_and_labels_are_told_in_one_go(source, tmp_path, tools):
    """The first ended it, with half a data set written."""
    for name in "abcd":
        add(source, name, LABEL * 2 if name == "b" else LABEL, PixelSpacing=None if name in "bc" else [0.5, 0.8])
    command = ["prepare", "dicom-slices", source, tmp_path / "set", "--label", "1=right muscle", "--label", "2=left muscle"]
    code, printed = tools(*command)
    assert code == 1 and "2 of 4 cases are wrong; nothing was written" in printed and not (tmp_path / "set").exists()
    assert "b.png: values 4" in printed and printed.count("PixelSpacing is missing") == 2


def test_slices_and_labels_of_one_name_are_told_in_one_go(source, tmp_path):
    add(source, "a")
    add(source, "b")
    write_slice(source / "train" / "dicoms" / "a.ima", (10, -20, 30), PIXELS)
    save_label(source / "train" / "labels" / "b.npy", LABEL)
    with pytest.raises(UserError, match=r"a\.ima and a\.dcm: two slices of one name.*b\.png and b\.npy: two labels of one slice"):
        prepare_dicom_slices(source, tmp_path / "set", LABELS)


def test_a_pattern_without_a_slice_writes_nothing(source, tmp_path):
    add(source, "a")
    with pytest.raises(UserError, match="x: no case of this name"):
        prepare_dicom_slices(source, tmp_path / "set", LABELS, test=["x"])
    volumes(tmp_path / "in")
    with pytest.raises(UserError, match="x: no case of this name"):
        prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle", test=["x"])
    assert not (tmp_path / "set").exists()


def test_a_slice_without_spacing(source, tmp_path):
    add(source, "a", PixelSpacing=None)
    with pytest.raises(UserError, match="PixelSpacing is missing"):
        prepare_dicom_slices(source, tmp_path / "set", LABELS)


def test_pickles_are_not_loaded(source, tmp_path):
    add(source, "a")
    (source / "train" / "labels" / "a.png").unlink()
    np.save(source / "train" / "labels" / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="cannot be read as a label"):
        prepare_dicom_slices(source, tmp_path / "set", LABELS)


def volumes(folder, axis: int = 2) -> None:
    """Two volumes of 10 slices; the outermost have no label."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    label = np.zeros((5, 6, 10), np.uint8)
    label[1, 2, 1:9], label[3, 4, 1:9] = 1, 2
    affine = np.diag([1.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = [5, 6, 7]
    order = [0, 1]
    order.insert(axis, 2)
    for case in ("p1", "p2"):
        image = rng.integers(0, 99, (5, 6, 10)).astype(np.float32)
        for suffix, array in (("", image), ("_muscle", label)):
            save_nifti(folder / f"{case}{suffix}.nii.gz", array.transpose(order), affine[:, [*order, 3]])


@pytest.mark.parametrize("axis", [2, 0])
def test_slices_of_volumes_keep_their_place(tmp_path, axis):
    volumes(tmp_path / "in", axis)
    report = prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle")
    assert report.cases == ["p1", "p2"] and report.left_out == []
    image, label = entry_arrays(report.data_list, "p1_z003")
    volume = nibabel.load(tmp_path / "in" / "p1.nii.gz")
    place = [3 if i == axis else 0 for i in range(3)]
    np.testing.assert_allclose(image.affine[:3, 3], (volume.affine @ [*place, 1])[:3])
    assert np.array_equal(np.asarray(image.dataobj).squeeze(), np.take(np.asarray(volume.dataobj), 3, axis))
    assert np.count_nonzero(label.dataobj) == 2 and image.shape[axis] == 1


@pytest.mark.parametrize("axis", [2, 0])
def test_a_stack_goes_from_the_first_labelled_slice_to_the_last(tools, tmp_path, axis):
    volumes(tmp_path / "in", axis)
    words = ("prepare", "volumes", tmp_path / "in", tmp_path / "set", "--image-suffix", "", "--label-suffix", "_muscle")
    code, printed = tools(*words, "--stacks", "--test", "p2")
    assert code == 0, printed
    content = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert [len(content[name]) for name in ("training", "validation", "test")] == [1, 0, 1]
    images = [nibabel.load(tmp_path / "set" / content["test"][0][key]) for key in ("image", "label")]
    for suffix, image in zip(("", "_muscle"), images, strict=True):
        volume = nibabel.load(tmp_path / "in" / f"p2{suffix}.nii.gz")
        assert np.array_equal(image.dataobj, np.take(np.asarray(volume.dataobj), range(1, 9), axis))
        np.testing.assert_allclose(image.affine[:3, 3], (volume.affine @ [*(1 if i == axis else 0 for i in range(3)), 1])[:3])


@pytest.mark.parametrize("stacks", [False, True])
def test_a_volume_in_which_nothing_is_drawn_is_told_and_left_out(tmp_path, stacks):
    volumes(tmp_path / "in")
    path = tmp_path / "in" / "p2_muscle.nii.gz"
    label = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(np.zeros(label.shape, np.uint8), label.affine), path)
    report = prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle", stacks=stacks)
    content = json.loads(report.data_list.read_text())
    assert all("p1" in entry["image"] for name in ("training", "validation", "test") for entry in content[name])
    assert report.left_out == ["p2_muscle.nii.gz: nothing is drawn"]


def test_slices_between_others_in_which_nothing_is_drawn_are_told(tmp_path):
    volumes(tmp_path / "in")
    path = tmp_path / "in" / "p2_muscle.nii.gz"
    label = nibabel.load(path)
    array = np.array(label.dataobj)
    array[:, :, [3, 5]] = 0
    nibabel.save(nibabel.Nifti1Image(array, label.affine), path)
    report = prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle", stacks=True)
    told = "p2_muscle.nii.gz: nothing is drawn in 2 slices between others; they count as background"
    assert report.left_out == [told] and report.cases == ["p1", "p2"]


def test_stacks_have_no_folds(tmp_path):
    volumes(tmp_path / "in")
    with pytest.raises(UserError, match="not of stacks"):
        prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle", fold=(1, 5), stacks=True)


def test_folds_are_blocks_of_neighbours_and_cover_every_slice_once(tmp_path):
    volumes(tmp_path / "in")
    tested = []
    for fold in (1, 2, 3):
        path = prepare_volumes(tmp_path / "in", tmp_path / f"f{fold}", LABELS, "", "_muscle", fold=(fold, 3)).data_list
        sections = {name: [entry["image"][:7] for entry in json.loads(path.read_text())[name]] for name in
                    ("training", "validation", "test")}  # fmt: skip
        assert not set(sections["test"]) & set(sections["training"] + sections["validation"])
        tested += sections["test"]
        numbers = sorted({int(name[4:7]) for name in sections["test"]})
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert {name[:2] for name in sections["test"]} == {"p1", "p2"}
    assert sorted(tested) == sorted(f"{case}_z{z:03d}" for case in ("p1", "p2") for z in range(1, 9))


def test_a_label_map_with_wrong_values(tmp_path):
    volumes(tmp_path / "in")
    with pytest.raises(UserError, match="values 2 are not labels from 0 to 1"):
        prepare_volumes(tmp_path / "in", tmp_path / "set", {"0": "background", "1": "muscle"}, "", "_muscle")


def test_all_wrong_volumes_are_told_in_one_go(tools, tmp_path):
    volumes(tmp_path / "in")
    for case in ("p3", "p4", "p5", "p6"):
        for suffix in ("", "_muscle"):
            (tmp_path / "in" / f"{case}{suffix}.nii.gz").write_bytes((tmp_path / "in" / f"p1{suffix}.nii.gz").read_bytes())
    (tmp_path / "in" / "p3.nii.gz").write_bytes(b"no image")
    (tmp_path / "in" / "p3_muscle.nii.gz").write_bytes(b"no label")
    save_nifti(tmp_path / "in" / "p4_muscle.nii.gz", np.ones((5, 6, 9), np.uint8))
    for suffix in ("", "_muscle"):
        save_nifti(tmp_path / "in" / f"p5{suffix}.nii.gz", np.ones((5, 6, 10, 2), np.uint8))
        save_nifti(tmp_path / "in" / f"p6{suffix}.nii.gz", np.ones((5, 6), np.uint8))
    command = ["prepare", "volumes", tmp_path / "in", tmp_path / "set", "--image-suffix", "", "--label-suffix", "_muscle"]
    code, printed = tools(*command)
    assert code == 1 and "4 of 6 cases are wrong; nothing was written" in printed and not (tmp_path / "set").exists()
    for text in ("p3.nii.gz: cannot be read", "p3_muscle.nii.gz: cannot be read", "p4_muscle.nii.gz: shape (5, 6, 9)",
                 "p5.nii.gz: 4 axes", "p6.nii.gz: 2 axes"):  # fmt: skip
        assert text in printed


def test_a_fold_that_is_none(tmp_path):
    volumes(tmp_path / "in")
    with pytest.raises(UserError, match="fold 6 of 5"):
        prepare_volumes(tmp_path / "in", tmp_path / "set", LABELS, "", "_muscle", fold=(6, 5))


@pytest.mark.parametrize("axis", [2, 0])
def test_what_is_not_drawn_is_another_label_near_the_regions_alone(tmp_path, axis):
    """Pixels are 1 by 2 mm; the regions lie at (1, 2) and (3, 4)."""
    volumes(tmp_path / "in", axis)
    labels = LABELS | {"9": "not drawn"}
    options = {"relabel": {0: 9}, "within": {9: 2.3}}
    path = prepare_volumes(tmp_path / "in", tmp_path / "set", labels, "", "_muscle", **options).data_list
    label = np.asarray(entry_arrays(path, "p1_z003")[1].dataobj).squeeze()
    x, y = np.meshgrid(np.arange(5), 2 * np.arange(6), indexing="ij")
    nearest = np.minimum(np.hypot(x - 1, y - 4), np.hypot(x - 3, y - 8))
    expected = np.where(nearest <= 2.3, 9, 0)
    expected[1, 2], expected[3, 4] = 1, 2
    assert np.array_equal(label, expected)


def test_the_command_relabels_and_limits_what_it_relabelled(tools, tmp_path):
    volumes(tmp_path / "in")
    command = ["prepare", "volumes", tmp_path / "in", tmp_path / "set", "--image-suffix", "", "--label-suffix", "_muscle"]
    command += ["--label", "1=right muscle", "--label", "2=left muscle", "--label", "9=not drawn", "--relabel", "0=9"]
    code, printed = tools(*command, "--within", "9=1.5")
    assert code == 0, printed
    label = np.asarray(entry_arrays(tmp_path / "set" / "dataset.json", "p1_z003")[1].dataobj)
    assert np.count_nonzero(label == 9) == 4 and np.count_nonzero(label == 0) == 30 - 6
    for wrong, message in (
        ("9=near", "not a distance in mm"),
        ("9=0", "not a distance in mm"),
        ("a=3", "not a label from 1 to 255"),
    ):
        code, printed = tools(*command, "--overwrite", "--within", wrong)
        assert code == 2 and message in printed
