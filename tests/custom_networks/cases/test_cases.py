import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import UserError, case_name, find_cases


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/scan.nii.gz", "scan"),
        ("b/T2.w.nii", "T2.w"),
        ("c/PIC.PNG", "PIC"),
        ("d/series", "series"),
        (["e/x/1.dcm", "e/x/2.dcm"], "x"),
    ],
)
def test_names(path, name):
    assert case_name(path) == name


def test_a_folder_lists_images_and_passes_over_results_and_other_files(tmp_path):
    for name in ("b.nii.gz", "a.nii", "a_seg.nii.gz"):
        save_nifti(tmp_path / name, np.zeros((2, 2, 2), np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    assert [case_name(case["image"]) for case in find_cases(tmp_path)] == ["a", "b"]


def test_missing_path():
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        find_cases("nowhere")


def test_folder_without_images(tmp_path):
    with pytest.raises(UserError, match="no image in this folder"):
        find_cases(tmp_path)


def test_file_of_another_kind(tmp_path):
    (tmp_path / "scan.txt").write_text("x")
    with pytest.raises(UserError, match=r"scan\.txt: not a kind of image"):
        find_cases(tmp_path / "scan.txt")


def test_two_cases_of_one_name(tmp_path):
    for name in ("a.nii", "a.nii.gz"):
        save_nifti(tmp_path / name, np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(UserError, match="two cases of the same name"):
        find_cases(tmp_path)
