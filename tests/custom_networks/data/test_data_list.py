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
        {"background": 0, "kidney": 1},
        {},
        None,
    ],
)
def test_the_same_classes_and_lists_that_name_none_are_taken(tmp_path, labels):
    assert len(load_data_list(listed(tmp_path, labels), "training", names=NAMES)) == 1


def test_other_classes_are_refused(tmp_path):
    """They were trained under the names of the bundle's, without a word."""
    data = listed(tmp_path, {"0": "background", "1": "right psoas major", "2": "vertebral body"})
    with pytest.raises(UserError, match=r"label 2 is 'vertebral body', where 'left psoas major' is trained.*--names"):
        load_data_list(data, "training", names=NAMES)


@pytest.mark.parametrize("overlays", [(), ("train_seed.json",)])
@pytest.mark.parametrize("folder", [CHEST, MUSCLES])
def test_bundles_whose_classes_are_named_in_the_config_ask_for_them(tmp_path, folder, overlays):
    data = listed(tmp_path, {"1": "vertebral body"})
    with Bundle(folder).parser("train.json", *overlays, dataset_dir=str(data)) as parser, pytest.raises(Exception) as error:
        parser.get_parsed_content("train#dataset#data")
    assert "label 1 is 'vertebral body'" in explain(error.value)
