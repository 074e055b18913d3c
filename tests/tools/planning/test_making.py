"""`axial new` on what users have: every layout becomes a bundle, every fault one clear error that leaves nothing behind."""

import json
import shutil

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from own_data import write_nnunet, write_pairs, write_pictures
from PIL import Image
from throughput import THROUGHPUT, assert_options_reach

from custom_networks.errors import UserError
from tools.bundles import Bundle, get_bundle
from tools.planning.making import make_bundle
from tools.sharing.packing import members
from tools.sharing.review import review_folder
from tools.sharing.verifying import REQUIRED_FILES


def configs(folder) -> tuple[dict, dict, dict]:
    return tuple(json.loads((folder / "configs" / f"{name}.json").read_text()) for name in ("train", "inference", "metadata"))


def target(config: dict, name: str) -> dict:
    """Return the preprocessing step of a class."""
    return next(step for step in config["preprocessing"]["transforms"] if step["_target_"].endswith(name))


def test_pairs_become_a_bundle_that_a_stranger_may_run(tmp_path):
    made = make_bundle("two_balls", write_pairs(tmp_path / "data"), tmp_path, labels={1: "bright", 2: "dark"})
    bundle = get_bundle(str(made.folder))
    assert bundle.classes == {"0": "background", "1": "bright", "2": "dark"}
    assert review_folder(made.folder).findings == []
    missing = {name for name in REQUIRED_FILES if not (made.folder / name).is_file()}
    assert missing == {"models/model.pt"}  # comes with the training
    train, inference, metadata = configs(made.folder)
    assert train["network_def"] == inference["network_def"] and train["preprocessing"] == inference["preprocessing"]
    assert train["spacing"] == [1.0, 1.0, 2.0] and target(train, "Orientationd")["axcodes"] == "RAS"
    assert metadata["result_kind"] == "volumes" and metadata["eval_metrics"] == {}
    content = json.loads((made.data / "dataset.json").read_text())
    assert [len(content[section]) for section in ("training", "validation", "test")] == [2, 1, 1]
    assert content["labels"] == {"0": "background", "1": "bright", "2": "dark"}
    assert all(name.startswith("two_balls/") for name, _ in members(bundle))
    for topic in ("spacing", "patch", "intensities", "mirroring"):
        assert f"| {topic} |" in made.text
    assert made.text == (made.folder / "docs" / "plan.md").read_text()


def test_every_id_of_the_configs_is_there_and_none_of_the_muscles_is_left(tmp_path):
    made = make_bundle("two_balls", write_pairs(tmp_path / "data"), tmp_path)
    for name in ("train.json", "inference.json"):
        text = (made.folder / "configs" / name).read_text()
        assert "partial" not in text and "cross_entropy" not in text and "Pyramid" not in text and "erector" not in text
        assert all(len(line) <= 132 for line in text.splitlines())
        config = json.loads(text)
        config.pop("record", None)  # what a result records has to be what made it
        settings = [key for key, value in config.items() if not isinstance(value, dict | list) and str(value)[:1] not in "$@"]
        assert [key for key in settings if f"@{key}" not in json.dumps(config)] == []
    for path in (made.folder / "configs").glob("*.json"):
        assert_options_reach(json.loads(path.read_text()), path.name)
    assert all(name in json.loads((made.folder / "configs" / "train.json").read_text()) for name in THROUGHPUT)
    with Bundle(made.folder).parser("train.json", dataset_dir=str(made.data)) as parser:
        loss, network = parser.get_parsed_content("loss"), parser.get_parsed_content("network_def")
        batch = next(iter(parser.get_parsed_content("train#dataloader")))
        loss(network(batch["image"].as_subclass(type(batch["image"]))), batch["label"]).backward()
        assert tuple(batch["image"].shape[2:]) == tuple(parser["patch"]) and set(batch) == {"image", "label", *batch}


@pytest.mark.parametrize("write", [write_pairs, write_pictures], ids=["volumes", "pictures"])
def test_every_augmentation_runs_on_every_patch(tmp_path, write):
    made = make_bundle("two_balls", write(tmp_path / "data"), tmp_path)
    with Bundle(made.folder).parser("train.json", dataset_dir=str(made.data)) as parser:
        steps = parser["train"]["augmentation"]["transforms"]
        assert len(steps) >= 7
        for step in steps:
            step["prob"] = 1.0
        (sample,) = parser.get_parsed_content("train#dataset")[0]
    assert sample["image"].shape == sample["label"].shape == (1, *made.plan.patch)
    assert bool(sample["image"].isfinite().all()) and set(sample["label"].unique().tolist()) <= {0, 1, 2}


def test_a_prepared_data_set_stays_where_it_is_and_its_test_cases_have_no_say(tmp_path, tools):
    data = write_pairs(tmp_path / "scans")
    far = nibabel.load(data / "case_3_image.nii.gz")
    for kind in ("image", "label"):  # the last case, which tests, has other voxels
        path = data / f"case_3_{kind}.nii.gz"
        save_nifti(path, np.asarray(nibabel.load(path).dataobj), np.diag([9.0, 9.0, 9.0, 1.0]))
    code, printed = tools("prepare", "folder", data, tmp_path / "data", "--label", "1=bright", "--label", "2=dark")
    assert code == 0, printed
    made = make_bundle("two_balls", tmp_path / "data", tmp_path)
    assert made.data == tmp_path / "data" and not (tmp_path / "two_balls_data").exists()
    assert made.plan.spacing == [1.0, 1.0, 2.0] and far.shape == (24, 20, 12)
    assert "9" not in made.text.split("| spacing in mm along right-left |")[1].split("\n")[0]
    assert made.plan.names == ["bright", "dark"]


def test_nnunet_channels_are_told_apart_by_their_numbers(tmp_path):
    data = write_nnunet(tmp_path / "data")
    (data / "dataset.json").write_text(
        json.dumps(
            {"channel_names": {"0": "T2", "1": "ADC"}, "labels": {"background": 0, "zone": 1, "lesion": 2}, "numTraining": 4}
        )
    )
    made = make_bundle("two_zones", data, tmp_path)
    train, inference, metadata = configs(made.folder)
    assert train["modalities"] == inference["modalities"] == ["0000", "0001"]
    assert train["network_def"]["in_channels"] == 2 and inference["cases"]["_target_"].endswith("find_studies")
    assert made.plan.modality == "MR" and made.plan.names == ["zone", "lesion"]
    assert metadata["network_data_format"]["inputs"]["image"]["channel_def"] == {"0": "T2, normalised", "1": "ADC, normalised"}
    with Bundle(made.folder).parser("inference.json", input=str(data / "imagesTr")) as parser:
        dataset = parser.get_parsed_content("dataset")
        assert len(dataset) == 4 and dataset[0]["image"].shape == (2, 24, 20, 12)


def test_pictures_with_masks_of_255_become_one_class(tmp_path):
    made = make_bundle("bright_spots", write_pictures(tmp_path / "data"), tmp_path)
    train, inference, metadata = configs(made.folder)
    assert made.plan.dimensions == 2 and made.plan.names == ["foreground"] and train["patch"] == [64, 48]
    assert inference["cases"]["suffixes"][0] == ".png" and metadata["network_data_format"]["inputs"]["image"]["modality"] == "n/a"
    entry = json.loads((made.data / "dataset.json").read_text())["training"][0]
    label = nibabel.load(made.data / entry["label"])
    assert set(np.unique(label.dataobj)) == {0, 1} and np.allclose(label.affine[:2, :2], -np.eye(2))
    with Bundle(made.folder).parser("train.json", dataset_dir=str(made.data)) as parser:
        batch = next(iter(parser.get_parsed_content("train#dataloader")))
    assert batch["image"].shape[1:] == (1, 64, 48) and batch["label"].shape == batch["image"].shape


def test_a_palette_of_colours_is_read_by_its_numbers(tmp_path):
    data = write_pictures(tmp_path / "data", foreground=1)
    for path in (data / "labels").iterdir():
        picture = Image.fromarray(np.asarray(Image.open(path)), mode="P")
        picture.putpalette([0, 0, 0, 250, 40, 40])
        picture.save(path)
    assert make_bundle("bright_spots", data, tmp_path).plan.names == ["foreground"]


@pytest.mark.parametrize(("axis", "axcodes"), [(0, "ASR"), (1, "RSA"), (2, "RAS")])
def test_single_slices_are_planes_whatever_axis_they_lie_across(tmp_path, axis, axcodes):
    image, label = np.random.default_rng(0).normal(size=(40, 32, 1)).astype(np.float32), np.zeros((40, 32, 1), np.uint8)
    label[8:20, 8:20] = 1
    affine = np.zeros((4, 4))
    affine[[*(other for other in range(3) if other != axis), axis, 3], range(4)] = [1.0, 1.0, 4.0, 1.0]
    (tmp_path / "data").mkdir()
    for number in range(3):
        save_nifti(tmp_path / "data" / f"{number}_image.nii.gz", image + number, affine)
        save_nifti(tmp_path / "data" / f"{number}_label.nii.gz", label, affine)
    plan = make_bundle("planes", tmp_path / "data", tmp_path).plan
    assert plan.dimensions == 2 and plan.axcodes == axcodes and plan.patch == [40, 32]


def test_labels_with_gaps_are_renumbered(tmp_path):
    data = write_pairs(tmp_path / "data")
    for path in data.glob("*_label.nii.gz"):
        label = nibabel.load(path)
        save_nifti(path, np.asarray(label.dataobj) * 20, label.affine)
    made = make_bundle("unnamed", data, tmp_path)
    assert made.plan.names == ["class 20", "class 40"] and "1 for 20 (class 20), 2 for 40 (class 40)" in made.text
    label = nibabel.load(made.data / "labels" / "case_0.nii.gz")
    assert set(np.unique(label.dataobj)) == {0, 1, 2}
    made = make_bundle("two_balls", data, tmp_path, labels={20: "bright", 40: "dark"})
    label = nibabel.load(made.data / "labels" / "case_0.nii.gz")
    assert set(np.unique(label.dataobj)) == {0, 1, 2} and made.plan.names == ["bright", "dark"]


def test_labels_that_jpg_has_changed_are_no_classes(tmp_path):
    data = write_pictures(tmp_path / "data")
    for path in (data / "labels").iterdir():
        Image.open(path).save(path.with_suffix(".jpg"), quality=60)
        path.unlink()
    with pytest.raises(UserError, match=r"labels have \d+ values with gaps .*JPG changes them"):
        make_bundle("balls", data, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def spoil(data, what: str) -> None:
    """Damage a folder of pairs in one way."""
    image, label = data / "case_1_image.nii.gz", data / "case_1_label.nii.gz"
    array, affine = np.asarray(nibabel.load(label).dataobj), nibabel.load(label).affine
    labels = sorted(data.glob("*_label.nii.gz"))
    if what == "grid":
        save_nifti(label, array[:-1], affine)
    elif what == "place":
        save_nifti(label, array, affine + np.outer([5, 0, 0, 0], [0, 0, 0, 1]))
    elif what == "floats":
        save_nifti(label, array * np.float32(0.5), affine)
    elif what == "negative":
        save_nifti(label, array.astype(np.int16) - 1, affine)
    elif what == "empty":
        for path in labels:
            save_nifti(path, array * 0, affine)
    elif what == "full":
        for path in labels:
            save_nifti(path, array * 0 + 1, affine)
    elif what == "no labels":
        for path in labels:
            path.unlink()
    elif what == "tiny":
        for path in data.iterdir():
            save_nifti(path, np.asarray(nibabel.load(path).dataobj)[:6, :6], affine)
    elif what == "nan":
        values = np.asarray(nibabel.load(image).dataobj, np.float32)
        values[0, 0, 0] = np.nan
        save_nifti(image, values, affine)
    elif what == "damaged":
        image.write_bytes(image.read_bytes()[:80])
    elif what == "nothing":
        shutil.rmtree(data)
        data.mkdir()
    elif what == "list":
        (data / "dataset.json").write_text("{")
    elif what == "lost":
        (data / "dataset.json").write_text(json.dumps({"training": [{"image": "a.nii.gz", "label": "b.nii.gz"}]}))
    elif what == "classes":
        (data / "dataset.json").write_text(json.dumps({"training": [{"image": image.name, "label": 3}]}))
    elif what == "twins":
        shutil.copy(data / "case_0_image.nii.gz", data / "case_3_image.nii.gz")
    elif what == "four axes":
        save_nifti(image, np.stack([np.asarray(nibabel.load(image).dataobj)] * 2, -1), affine)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("grid", "case_1_label.nii.gz: 23x20x12 voxels, but case_1_image.nii.gz has 24x20x12"),
        ("place", "case_1_label.nii.gz: lies elsewhere than case_1_image.nii.gz"),
        ("floats", "case_1_label.nii.gz: values 0.5 are not labels"),
        ("negative", "case_1_label.nii.gz: values -1 are not labels"),
        ("empty", "no label map has a label"),
        ("full", "no voxel is background"),
        ("no labels", "no image with its label .*case_0_label is missing"),
        ("tiny", "too small .6x6x12."),
        ("nan", "case_1_image.nii.gz: 1 values are NaN"),
        ("damaged", "case_1_image.nii.gz: cannot be read"),
        ("nothing", "an empty folder"),
        ("list", "dataset.json: cannot be read"),
        ("lost", "a.nii.gz: named in .*dataset.json, but missing"),
        ("classes", "names no image with a label map"),
        ("twins", "case_3_image.nii.gz: would be in test"),
        ("four axes", "case_1_image.nii.gz: an image of 4 axes"),
    ],
)
def test_every_fault_names_the_file_and_leaves_nothing(tmp_path, what, message):
    data = write_pairs(tmp_path / "data")
    spoil(data, what)
    with pytest.raises(UserError, match=message):
        make_bundle("two_balls", data, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize("name", ["Two Balls", "2balls", "balls-ct", "../balls", "", "con", "spinal_cord_gray_matter_segmentation"])
def test_a_name_that_is_none_or_is_taken_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"not a name for a bundle|is shipped"):
        make_bundle(name, tmp_path, tmp_path)


def test_what_is_there_stays(tmp_path):
    data = write_pairs(tmp_path / "data")
    (tmp_path / "two_balls").mkdir()
    with pytest.raises(UserError, match="two_balls: already exists"):
        make_bundle("two_balls", data, tmp_path)
    assert not any((tmp_path / "two_balls").iterdir())


def test_a_folder_a_case_and_equal_names_are_told_apart(tmp_path):
    flat = write_pairs(tmp_path / "flat")
    for number in range(4):
        (tmp_path / "data" / f"p{number}").mkdir(parents=True)
        for kind in ("image", "label"):
            shutil.move(flat / f"case_{number}_{kind}.nii.gz", tmp_path / "data" / f"p{number}" / f"{kind}.nii.gz")
    made = make_bundle("two_balls", tmp_path / "data", tmp_path)
    content = json.loads((made.data / "dataset.json").read_text())
    assert [len(content[section]) for section in ("training", "validation", "test")] == [2, 1, 1]
    shutil.copy(made.data / "dataset.json", tmp_path / "data")
    again = make_bundle("other_balls", tmp_path / "data", tmp_path)
    assert again.data == tmp_path / "data" and "From 3 cases of training and validation; 1 of the test" in again.text


def test_channels_by_their_endings_in_a_folder_a_case(tmp_path):
    flat = write_nnunet(tmp_path / "flat")
    for number in range(4):
        folder = tmp_path / "data" / f"p{number}"
        folder.mkdir(parents=True)
        for old, new in (("imagesTr/case_{}_0000", "_flair"), ("imagesTr/case_{}_0001", "_t1"), ("labelsTr/case_{}", "_seg")):
            shutil.move(flat / f"{old.format(number)}.nii.gz", folder / f"p{number}{new}.nii.gz")
    options = {"image_suffixes": ("_flair", "_t1"), "label_suffix": "_seg"}
    made = make_bundle("two_balls", tmp_path / "data", tmp_path, **options)
    assert made.plan.channels == ("flair", "t1")


def test_patterns_divide_the_cases(tmp_path):
    data = write_pairs(tmp_path / "data")
    made = make_bundle("two_balls", data, tmp_path, test=["*_3*"], validation=["*_0*"])
    content = json.loads((made.data / "dataset.json").read_text())
    assert [len(content[section]) for section in ("training", "validation", "test")] == [2, 1, 1]
    assert "case_3" in content["test"][0]["image"]
    with pytest.raises(UserError, match="no training case has a label"):
        make_bundle("other_balls", data, tmp_path, test=["*"])


def test_cases_of_different_channels_are_named(tmp_path):
    data = write_nnunet(tmp_path / "data")
    (data / "imagesTr" / "case_2_0001.nii.gz").unlink()
    with pytest.raises(UserError, match=r"case_2_0000.nii.gz: 1 channel, but case_0_0000.nii.gz has 2 channels"):
        make_bundle("two_balls", data, tmp_path)


@pytest.mark.parametrize("option", ["modality", "author"])
def test_texts_that_metadata_would_evaluate_are_refused(tmp_path, option):
    with pytest.raises(UserError, match="no name of a class, channel, modality or author"):
        make_bundle("two_balls", write_pairs(tmp_path / "data", 3), tmp_path, **{option: "$__import__('os')"})


@pytest.mark.parametrize("name", ["$__import__('os').system('touch ran')", "@bundle_root", "%x", "", "a\nb", "[red]x"])
def test_a_class_name_that_a_config_would_evaluate_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="no name of a class"):
        make_bundle("two_balls", write_pairs(tmp_path / "data", 3), tmp_path, labels={1: name, 2: "dark"})


def test_labels_that_nobody_has_or_named_are_said(tmp_path):
    data = write_pairs(tmp_path / "data", 3)
    with pytest.raises(UserError, match="label 2 has no name; named are 1 bright"):
        make_bundle("two_balls", data, tmp_path, labels={1: "bright"})
    with pytest.raises(UserError, match="--label 3=third: no label map has this value"):
        make_bundle("two_balls", data, tmp_path, labels={1: "bright", 2: "dark", 3: "third"})
    with pytest.raises(UserError, match="two classes of one name"):
        make_bundle("two_balls", data, tmp_path, labels={1: "ball", 2: "ball"})


def test_the_command_says_what_was_planned_and_where(tmp_path, tools):
    data = write_pairs(tmp_path / "data")
    code, printed = tools("new", "two_balls", "--data", data, "-o", tmp_path, "--label", "1=bright", "--label", "2=dark")
    assert code == 0 and "2 training, 1 validation, 1 test" in printed and "No class has a side" in printed
    code, printed = tools("new", "two_balls", "--data", data, "-o", tmp_path)
    assert code == 2 and "already exists" in printed and "Traceback" not in printed
    code, printed = tools("new", "other_balls", "--data", tmp_path / "none", "-o", tmp_path)
    assert code == 2 and "no such folder" in printed
    code, printed = tools("new", "other_balls", "--data", data, "-o", tmp_path, "--label", "x=bright")
    assert code == 2 and "--label x" in printed
