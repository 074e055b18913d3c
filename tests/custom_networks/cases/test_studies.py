"""Studies of FLAIR and T1 in all the ways that people name files."""

from pathlib import Path

import numpy as np
import pytest
from dicom_files import write_slice

from custom_networks import UserError, case_name, find_studies

MODALITIES = ("FLAIR", "T1")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def found(source) -> dict[str, list]:
    return {
        case_name(case["image"]): [path and Path(path).name for path in case["image"]] for case in find_studies(source, MODALITIES)
    }


def test_a_folder_with_both(tmp_path):
    folder = touch(tmp_path / "anna", "FLAIR.nii.gz", "T1.nii.gz", "notes.txt", "FLAIR_seg.nii.gz")
    assert found(folder) == {"anna": ["FLAIR.nii.gz", "T1.nii.gz"]}


def test_each_folder_with_both_contrasts_is_a_study(tmp_path):
    touch(tmp_path, "p1/FLAIR.nii.gz", "p1/T1w.nii.gz", "p2/flair.nii", "p2/t1.nii")
    assert found(tmp_path) == {"p1": ["FLAIR.nii.gz", "T1w.nii.gz"], "p2": ["flair.nii", "t1.nii"]}


def test_many_patients_in_one_folder_and_other_images_beside(tmp_path):
    touch(tmp_path, *(f"patient{n}_{m}.nii.gz" for n in ("07", "19") for m in ("FLAIR", "T1", "T1POST", "T2", "lesion")))
    assert found(tmp_path) == {
        "patient07_FLAIR": ["patient07_FLAIR.nii.gz", "patient07_T1.nii.gz"],
        "patient19_FLAIR": ["patient19_FLAIR.nii.gz", "patient19_T1.nii.gz"],
    }


def test_a_bids_session_is_a_study(tmp_path):
    touch(tmp_path, "sub-01/ses-1/anat/sub-01_ses-1_FLAIR.nii.gz", "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz")
    assert found(tmp_path) == {"sub-01_ses-1_FLAIR": ["sub-01_ses-1_FLAIR.nii.gz", "sub-01_ses-1_T1w.nii.gz"]}


def test_folders_of_dicom_files(tmp_path):
    touch(tmp_path, *(f"anna/{name}/{n}.dcm" for name in ("FLAIR", "T1", "T2") for n in "12"))
    assert found(tmp_path) == {"anna": ["FLAIR", "T1"]}


def test_the_flair_file_stands_for_its_study(tmp_path):
    touch(tmp_path, "a_FLAIR.nii.gz", "a_T1.nii.gz", "b_FLAIR.nii.gz", "b_T1.nii.gz")
    assert found(tmp_path / "a_FLAIR.nii.gz") == {"a_FLAIR": ["a_FLAIR.nii.gz", "a_T1.nii.gz"]}


def test_a_file_of_all_channels(tmp_path):
    touch(tmp_path, "scan.nii.gz")
    assert find_studies(tmp_path / "scan.nii.gz", MODALITIES) == [{"image": [str(tmp_path / "scan.nii.gz")], "case": "scan"}]


def test_a_missing_t1_is_left_to_the_loader(tmp_path):
    touch(tmp_path, "a_FLAIR.nii.gz", "b_FLAIR.nii.gz", "b_T1.nii.gz")
    assert found(tmp_path)["a_FLAIR"] == ["a_FLAIR.nii.gz", None]


def test_what_is_no_study(tmp_path):
    with pytest.raises(UserError, match="no FLAIR image"):
        find_studies(touch(tmp_path, "T1.nii.gz"), MODALITIES)


def test_two_images_in_one_place_are_a_failed_case_and_the_others_are_found(tmp_path):
    touch(tmp_path, "a/FLAIR.nii.gz", "a/FLAIR.nii", "a/T1.nii", "b/FLAIR.nii", "b/T1.nii")
    first, second = find_studies(tmp_path, MODALITIES)
    assert "two FLAIR images of one study" in first["error"] and "error" not in second


def test_studies_of_one_name_are_called_by_their_paths(tmp_path):
    touch(tmp_path, "x/a_FLAIR.nii", "x/a_T1.nii", "y/a_FLAIR.nii", "y/a_T1.nii", "p/s1/FLAIR.nii", "p/s1/T1.nii", "q/s1/FLAIR.nii")
    names = [case["case"] for case in find_studies(tmp_path, MODALITIES)]
    assert names == ["x_a_FLAIR", "y_a_FLAIR", "p_s1", "q_s1"]


def test_linked_images_of_different_studies_keep_their_names(tmp_path):
    touch(tmp_path / "store", "1", "2", "3", "4")
    for person, pair in (("p1", "12"), ("p2", "34")):
        (tmp_path / "in" / person).mkdir(parents=True)
        for name, number in zip(("FLAIR", "T1"), pair, strict=True):
            (tmp_path / "in" / person / f"{name}.nii.gz").symlink_to(tmp_path / "store" / number)
    assert list(found(tmp_path / "in")) == ["p1", "p2"]


def test_an_export_of_dicom_series_is_told_by_their_descriptions(tmp_path):
    for number, (study, text) in enumerate([("1.1", "Sag FLAIR"), ("1.1", "T1 MPRAGE"), ("1.1", "DWI"), ("1.2", "FLAIR 3D")]):
        folder = tmp_path / "DICOM" / "PA0" / f"ST{study[-1]}" / f"SE{number}"
        folder.mkdir(parents=True)
        write_slice(folder / "IM0", (0, 0, 0), np.ones((4, 4)), SeriesDescription=text, StudyInstanceUID=study)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    cases = find_studies(tmp_path, MODALITIES)
    assert [[path and Path(path).name for path in case["image"]] for case in cases] == [["SE0", "SE1"], ["SE3", None]]


def test_a_missing_path_is_refused():
    with pytest.raises(UserError, match="nowhere: no such file"):
        find_studies("nowhere", MODALITIES)
