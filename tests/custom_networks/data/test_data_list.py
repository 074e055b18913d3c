"""Lists whose labels are other classes than those that are trained."""

import json

import pytest

from custom_networks.data.data_list import load_data_list
from custom_networks.errors import UserError, explain
from tests.conftest import CHEST, MUSCLES
from tools.bundles import Bundle

NAMES = ["right psoas major", "left psoas major"]


def listed(folder, labels):
    (folder / "a.nii").touch()
    entry = {"image": "a.nii", "label": "a.nii"}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "training": [entry]}))
    return folder


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "right psoas major", "2": "left psoas major", "9": "not drawn"},
        {"1": "Right Psoas_Major"},
        {"background": 0, "right psoas major": 1},
        {},
        None,
    ],
)
def test_the_same_classes_and_lists_that_name_none_are_taken(tmp_path, labels):
    assert len(load_data_list(listed(tmp_path, labels), "training", names=NAMES)) == 1


def test_other_classes_are_refused(tmp_path):
    """They were trained under the names of the bundle's, silently."""
    data = listed(tmp_path, {"0": "background", "1": "right psoas major", "2": "vertebral body"})
    with pytest.raises(UserError, match=r"label 2 is 'vertebral body', where 'left psoas major' is trained.*--names"):
        load_data_list(data, "training", names=NAMES)


@pytest.mark.parametrize("name", ["lung left", "Lung, Left", "left_lung", "lungLeft", "LungLeft", "LUNG (left)", "lung-left"])
def test_a_class_in_another_word_order_is_taken_and_said(tmp_path, caplog, name):
    """It was refused."""
    data = listed(tmp_path, {"1": "right lung", "2": name})
    assert len(load_data_list(data, "training", names=["right lung", "left lung"])) == 1
    assert f"label 2, {name!r}, as 'left lung'" in caplog.text or name == "left_lung"
    assert "'right lung'" not in caplog.text


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"1": "lung left", "2": "lung right"}, ["right lung", "left lung"]),
        ({"1": "level 1 of 2", "2": "level 2 of 1"}, ["level 2 of 1", "level 1 of 2"]),  # the same words mean two classes
        ({"1": "matter gray", "2": "gray matter"}, ["gray matter", "white matter"]),
        ({"1": "lung l"}, ["left lung"]),
        ({"1": "L5"}, ["L4"]),
        ({"1": "T12 L1"}, ["T1 L12"]),
        ({"1": "level 1 of 2"}, ["level 2 of 1"]),
        ({"1": "lesion 2 grade 1"}, ["lesion 1 grade 2"]),
        ({"1": "T5 to L1"}, ["L1 to T5"]),
        ({"1": "grade 1 lesion 2"}, ["lesion 1 grade 2"]),
        ({"1": "artery without vein"}, ["vein without artery"]),
        ({"1": "not left, right"}, ["left, not right"]),
        ({"1": "head of pancreas"}, ["pancreas of head"]),
        ({"background": 0, "kidney": 1}, ["left lung"]),  # as nnU-Net writes them
    ],
)
def test_what_may_mean_another_class_is_refused(tmp_path, labels, names):
    with pytest.raises(UserError, match=r"dataset\.json: its label 1 is .*--names"):
        load_data_list(listed(tmp_path, labels), "training", names=names)


@pytest.mark.parametrize(
    "content",
    [
        [], {"training": {"a": 1}}, {"training": ["a.nii"]}, {"training": [{"image": "a.nii"}]}, {"training": "a.nii"},
        {"training": [{"label": "a.nii"}]}, {"training": [{"image": [], "label": 1}]}, {"training": [{"image": 3, "label": 1}]},
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_said(tmp_path, content):
    """Some ended a training with a traceback."""
    (tmp_path / "a.nii").touch()
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"dataset\.json: section 'training'"):
        load_data_list(tmp_path, "training")


@pytest.mark.parametrize("entry", ["./a.nii", {"image": "a.nii"}, {"image": ["a.nii", None]}])
def test_images_without_labels_are_a_list_where_none_are_asked_for(tmp_path, entry):
    """As the test section of the Medical Segmentation Decathlon has them; they were refused for measuring speed, too."""
    (tmp_path / "a.nii").touch()
    (tmp_path / "dataset.json").write_text(json.dumps({"test": [entry]}))
    (found,) = load_data_list(tmp_path, "test", labels=False)
    image = str(tmp_path / "a.nii")
    assert found == {"image": [image, None] if isinstance(entry, dict) and isinstance(entry["image"], list) else image}
    with pytest.raises(UserError, match="entry 0 of test has no image and label"):
        load_data_list(tmp_path, "test")


@pytest.mark.parametrize("image", [["a.nii", None], [None, "a.nii"]])
def test_channels_may_be_missing(tmp_path, image):
    """What is there was called missing, as its path was not made absolute."""
    data = listed(tmp_path, {})
    (data / "dataset.json").write_text(json.dumps({"training": [{"image": image, "label": "a.nii", "weight": 2}]}))
    absolute = [file and str(data / file) for file in image]
    assert load_data_list(data, "training") == [{"image": absolute, "label": str(data / "a.nii"), "weight": 2}]


@pytest.mark.parametrize("overlays", [(), ("train_seed.json",)])
@pytest.mark.parametrize("folder", [CHEST, MUSCLES])
def test_bundles_whose_classes_are_named_in_the_config_ask_for_them(tmp_path, folder, overlays):
    data = listed(tmp_path, {"1": "vertebral body"})
    with Bundle(folder).parser("train.json", *overlays, dataset_dir=str(data)) as parser, pytest.raises(Exception) as error:
        parser.get_parsed_content("train#dataset#data")
    assert "label 1 is 'vertebral body'" in explain(error.value)


@pytest.mark.parametrize("weights", [["2"], [-1], [float("nan")], [float("inf")], [True], [None], [1, "x"], [0, 0]])
def test_weights_that_draw_nothing_or_are_no_numbers_are_refused(tmp_path, weights):
    (tmp_path / "a.nii").touch()
    entries = [{"image": "a.nii", "label": "a.nii", "weight": weight} for weight in weights]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries}))
    with pytest.raises(UserError, match=r"dataset\.json.*weight"):
        load_data_list(tmp_path, "training")


def test_a_weight_of_0_beside_others_is_taken(tmp_path):
    (tmp_path / "a.nii").touch()
    entries = [{"image": "a.nii", "label": "a.nii", "weight": weight} for weight in (0, 0.5, 3)]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries}))
    assert [entry["weight"] for entry in load_data_list(tmp_path, "training")] == [0, 0.5, 3]
