"""Studies of FLAIR and T1 in all the ways that people name files."""

from pathlib import Path

import pytest

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


def test_folders_of_folders(tmp_path):
    touch(tmp_path, "p1/FLAIR.nii.gz", "p1/T1w.nii.gz", "p2/flair.nii", "p2/t1.nii")
    assert found(tmp_path) == {"p1": ["FLAIR.nii.gz", "T1w.nii.gz"], "p2": ["flair.nii", "t1.nii"]}


def test_many_patients_in_one_folder_and_other_images_beside(tmp_path):
    touch(tmp_path, *(f"patient{n}_{m}.nii.gz" for n in ("07", "19") for m in ("FLAIR", "T1", "T1POST", "T2", "lesion")))
    assert found(tmp_path) == {
        "patient07_FLAIR": ["patient07_FLAIR.nii.gz", "patient07_T1.nii.gz"],
        "patient19_FLAIR": ["patient19_FLAIR.nii.gz", "patient19_T1.nii.gz"],
    }


def test_bids(tmp_path):
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
    assert find_studies(tmp_path / "scan.nii.gz", MODALITIES) == [{"image": [str(tmp_path / "scan.nii.gz")]}]


def test_a_missing_t1_is_left_to_the_loader(tmp_path):
    touch(tmp_path, "a_FLAIR.nii.gz", "b_FLAIR.nii.gz", "b_T1.nii.gz")
    assert found(tmp_path)["a_FLAIR"] == ["a_FLAIR.nii.gz", None]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["T1.nii.gz"], "no FLAIR image"),
        (["FLAIR.nii.gz", "FLAIR.nii", "T1.nii"], "two FLAIR images of one study"),
        (["x/a_FLAIR.nii", "x/a_T1.nii", "y/a_FLAIR.nii", "y/a_T1.nii"], "two cases of the same name"),
    ],
)
def test_what_is_no_study(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(UserError, match=message):
        find_studies(tmp_path, MODALITIES)


def test_missing_path():
    with pytest.raises(UserError, match="nowhere: no such file"):
        find_studies("nowhere", MODALITIES)
