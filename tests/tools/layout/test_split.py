"""Training and test stay apart."""

import gzip
import json
import shutil

import numpy as np
import pytest
from conftest import save_nifti
from packings import PACKINGS

from custom_networks.errors import UserError
from tools.datasets.digits import prepare_digits
from tools.datasets.folder import prepare_folder
from tools.layout.data_list import write_data_list
from tools.layout.mixing import merge
from tools.layout.split import check_split, describe_split
from tools.phantoms.write import write_chest_phantoms

LABELS = {"0": "background", "1": "gray matter"}
SECTIONS = ("training", "validation", "test")


def cases(folder, names):
    """Write scans and their labels."""
    folder.mkdir(exist_ok=True)
    for name in names:
        save_nifti(folder / f"{name}_image.nii.gz", np.random.rand(4, 4, 3).astype(np.float32))
        save_nifti(folder / f"{name}_label.nii.gz", np.ones((4, 4, 3), np.uint8))
    return folder


def split_of(path) -> list[list[str]]:
    content = json.loads(path.read_text())
    return [[entry["image"] for entry in content[section]] for section in SECTIONS]


@pytest.mark.parametrize(("names", "split"), [("a", [["a"], [], []]), ("ab", [["a"], ["b"], []]), ("abc", [["a"], ["b"], ["c"]])])
def test_few_cases_are_never_tested_on_what_was_trained_on(tmp_path, names, split):
    report = prepare_folder(cases(tmp_path / "in", names), tmp_path / "out", LABELS)
    assert split_of(report.data_list) == [[f"images/{name}.nii.gz" for name in section] for section in split]


def test_a_case_that_validation_and_test_both_name(tmp_path):
    source = cases(tmp_path / "in", ["a1", "a2", "b1"])
    with pytest.raises(UserError, match="a1, a2: would validate and test"):
        prepare_folder(source, tmp_path / "out", LABELS, test=["a*"], validation=["?1", "a2"])
    assert not (tmp_path / "out").exists()


def test_patterns_that_name_a_case_twice_take_it_once(tmp_path):
    source = cases(tmp_path / "in", ["a1", "a2", "b1"])
    report = prepare_folder(source, tmp_path / "out", LABELS, test=["a*", "a1"])
    assert [len(section) for section in split_of(report.data_list)] == [1, 0, 2]


def test_copies_of_a_scan_under_two_names(tmp_path):
    source = cases(tmp_path / "in", ["a", "b", "c"])
    shutil.copyfile(source / "a_image.nii.gz", source / "c_image.nii.gz")
    with pytest.raises(UserError, match=r"images/c\.nii\.gz: would be in test, and .*images/a\.nii\.gz, the same image"):
        prepare_folder(source, tmp_path / "out", LABELS)
    assert not (tmp_path / "out" / "dataset.json").exists()


@pytest.mark.parametrize("pack", PACKINGS)
def test_a_copy_that_was_packed_otherwise(tmp_path, pack):
    source = cases(tmp_path, ["a", "b", "c"])
    content = gzip.decompress((source / "a_image.nii.gz").read_bytes())
    (source / "c_image.nii.gz").write_bytes(PACKINGS[pack](content))
    entries = {name: [{"image": f"{case}_image.nii.gz", "label": 0}] for name, case in zip(SECTIONS, "abc", strict=True)}
    with pytest.raises(UserError, match=r"c_image\.nii\.gz: would be in test, and .*a_image\.nii\.gz, the same image"):
        write_data_list(tmp_path, "x", LABELS, entries)


@pytest.mark.parametrize("other", ["x.nii.gz", "./x.nii.gz", "sub/../x.nii.gz"])
def test_one_file_in_two_sections_by_whatever_path(tmp_path, other):
    (tmp_path / "sub").mkdir()
    save_nifti(tmp_path / "x.nii.gz", np.random.rand(3, 3, 3))
    entries = [[{"image": ["x.nii.gz"], "label": 0}], [], [{"image": [other], "label": 0}]]
    with pytest.raises(UserError, match=r"x\.nii\.gz: would be in training and in test"):
        write_data_list(tmp_path, "x", LABELS, dict(zip(SECTIONS, entries, strict=True)))


def test_a_channel_may_be_missing(tmp_path):
    cases(tmp_path, ["a", "b"])
    entries = {name: [{"image": [f"{name}_image.nii.gz", None], "label": f"{name}_label.nii.gz"}] for name in "ab"}
    check_split(tmp_path, {"training": entries["a"], "test": entries["b"]})
    with pytest.raises(UserError, match="would be in training and in test"):
        check_split(tmp_path, {"training": entries["a"], "test": entries["a"]})


def test_mixing_phantoms_of_one_seed(tmp_path):
    """The fourth of four phantoms tests; of ten it trains."""
    for name, count in (("few", 4), ("many", 10)):
        write_chest_phantoms(tmp_path / name, count, 5)
    with pytest.raises(UserError, match="the same image"):
        merge(tmp_path / "mix", {tmp_path / "few": 1.0, tmp_path / "many": 1.0})
    write_chest_phantoms(tmp_path / "other", 10, 6)
    merge(tmp_path / "mix", {tmp_path / "few": 1.0, tmp_path / "other": 1.0})


def test_a_mix_does_not_lie_over_one_of_its_parts(tools, tmp_path):
    """Its list was replaced by one with weights."""
    path = write_chest_phantoms(tmp_path / "part", 4, 5)
    before = path.read_text()
    code, printed = tools("mix", f"{tmp_path / 'part'}=1", "-o", tmp_path / "part", "--overwrite")
    assert code == 2 and "holds what the data set is made of" in printed and path.read_text() == before


@pytest.mark.parametrize("again", ["part", "part/", "./part"])
def test_a_part_has_one_weight(tools, tmp_path, again, monkeypatch):
    """The last counted, without a word."""
    monkeypatch.chdir(tmp_path)
    write_chest_phantoms(tmp_path / "part", 4, 5)
    code, printed = tools("mix", "part=1", f"{again}=2", "-o", "mix")
    assert code == 2 and "part: named twice" in printed


def test_the_split_is_told(tmp_path):
    assert describe_split(prepare_digits(tmp_path / "digits")) == "1365 training, 72 validation, 360 test"
    report = prepare_folder(cases(tmp_path / "in", ["a", "b"]), tmp_path / "out", LABELS, test=["b"])
    told = "1 training, 0 validation, 1 test (without validation training keeps its last weights)"
    assert describe_split(report.data_list) == told


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (["a=x"], "x: not a weight"),
        (["a=-1"], "-1: not a weight"),
        (["a=nan"], "nan: not a weight"),
        (["a=1", "b=1@1"], "under 1"),
        (["a=1", "b=1@0.5@0.5"], "0.5@0.5: not a weight"),
        (["a=0", "b=1@0.5"], "nothing is drawn in the first epoch"),
        (["a=1@0.2", "b=1@0.5"], "nothing is drawn in the first epoch"),
    ],
)
def test_weights_that_draw_nothing_are_refused(tools, tmp_path, parts, reason):
    code, printed = tools("mix", *parts, "-o", tmp_path / "mix")
    assert code == 2 and reason in " ".join(printed.split()) and "Traceback" not in printed
