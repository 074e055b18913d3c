import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import UserError, case_name, find_cases
from custom_networks.cases.names import name_cases


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
def test_the_name_of_a_case_is_its_file_without_suffix(path, name):
    assert case_name(path) == name


def test_a_folder_lists_images_and_passes_over_results_and_other_files(tmp_path):
    for name in ("b.nii.gz", "a.nii", "a_seg.nii.gz"):
        save_nifti(tmp_path / name, np.zeros((2, 2, 2), np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    assert [case_name(case["image"]) for case in find_cases(tmp_path)] == ["a", "b"]


def test_images_of_other_kinds_are_named(tmp_path, caplog):
    write(tmp_path, "a.nii", "notes.txt", ".hidden.mgz", "b/s1.MGZ", "b/s2.tif", "b/s3.hdr", "b/s3.img", "b/s4.nhdr")
    (tmp_path / "a_dicom").mkdir()
    (tmp_path / "a_dicom" / "1.img").write_bytes(bytes(128) + b"DICM")
    assert names_in(tmp_path) == ["a", "a_dicom"]
    (warned,) = caplog.messages
    assert warned.startswith(f"{tmp_path / 'b'}: images in unsupported formats, skipped: s1.MGZ, s2.tif, s3.hdr and 2 more.")


def test_a_missing_path_is_refused():
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        find_cases("nowhere")


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(UserError, match="no image in this folder"):
        find_cases(tmp_path)


def test_file_of_another_kind(tmp_path):
    (tmp_path / "scan.txt").write_text("x")
    with pytest.raises(UserError, match=r"scan\.txt: not a kind of image"):
        find_cases(tmp_path / "scan.txt")


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def names_in(folder) -> list[str]:
    return [case["case"] for case in find_cases(folder)]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["p1/t2.nii.gz", "p2/t2.nii.gz"], ["p1_t2", "p2_t2"]),
        (["p1/t2.nii.gz", "p2/t2.nii.gz", "p2/t3.nii.gz", "t2.nii.gz"], ["p1_t2", "p2_t2", "t3", "t2"]),
        (["p1/a/t2.nii", "p2/b/t2.nii"], ["p1_a_t2", "p2_b_t2"]),
        (["x/p1/T1.nii", "x/p2/T1.nii"], ["p1", "p2"]),
        (["a.nii", "a.nii.gz"], ["a_nii", "a_nii_gz"]),
        (["sub-01/ses-1/anat/sub-01_ses-1_T2w.nii.gz", "sub-02/anat/sub-02_T2w.nii.gz"], ["sub-01_ses-1_T2w", "sub-02_T2w"]),
        (["p1/t2.nii", "p2/t2.nii", "p1_t2.nii"], ["p1_t2-", "p1_t2-", "p2_t2"]),
        (["SCAN.NII.GZ", "Pic.Nrrd"], ["Pic", "SCAN"]),
        (["a/b/c/d/e/f/g/h.nii"], ["h"]),
    ],
)
def test_names_follow_the_path_where_two_would_be_alike(tmp_path, files, names):
    found = names_in(write(tmp_path, *files))
    assert len(set(found)) == len(found) == len(names)
    assert all(name.startswith(start) for name, start in zip(found, names, strict=True))


def test_what_is_passed_over(tmp_path):
    write(tmp_path, "a.nii.gz", ".b.nii.gz", "._a.nii.gz", ".DS_Store", "__MACOSX/a.nii.gz", ".cache/c.nii.gz", "notes.txt")
    write(tmp_path, *(f"d{end}" for end in ("_seg.nii.gz", "_SEG.NII.GZ", "_prob.nii.gz", "_overlay.png", ".seg.nrrd", "_seg.dcm")))
    os.mkfifo(tmp_path / "pipe.nii.gz")
    assert names_in(tmp_path) == ["a"]
    assert [case["case"] for case in find_cases(tmp_path, (".png", ".nii.gz"), series=False)] == ["a"]


def test_links_that_loop_or_lead_nowhere_are_named(tmp_path, caplog):
    write(tmp_path, "p1/a.nii", "p2/b.nii")
    (tmp_path / "p1" / "up").symlink_to(tmp_path)
    (tmp_path / "gone.nii").symlink_to(tmp_path / "nothing")
    (tmp_path / "round.nii").symlink_to(tmp_path / "round.nii")
    (tmp_path / "0latest").symlink_to(tmp_path / "p2")
    (tmp_path / "c.nii").symlink_to(tmp_path / "p1" / "a.nii")
    assert names_in(tmp_path) == ["c", "a", "b"]
    for name in ("up", "gone.nii", "round.nii", "0latest"):
        assert f"{tmp_path}/" in caplog.text and f"{name}: a link " in caplog.text


def test_a_folder_outside_is_read_through_a_link(tmp_path):
    write(tmp_path, "elsewhere/a.nii")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p1").symlink_to(tmp_path / "elsewhere")
    assert [case["image"] for case in find_cases(tmp_path / "in")] == [str(tmp_path / "in" / "p1" / "a.nii")]


def test_a_folder_that_cannot_be_read_is_a_failed_case(tmp_path, monkeypatch):
    write(tmp_path, "a.nii", "closed/b.nii")
    scan = os.scandir

    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    good, bad = find_cases(tmp_path)
    assert good["case"] == "a" and bad["error"] == f"{tmp_path}/closed: cannot be read (Permission denied)."


@pytest.mark.parametrize("content", [b"no zip", b"", b"PK\x03\x04broken"])
def test_a_damaged_zip_is_a_failed_case(tmp_path, content):
    write(tmp_path, "a.nii")
    (tmp_path / "study.zip").write_bytes(content)
    good, bad = find_cases(tmp_path)
    assert good["case"] == "a" and "study.zip: not a zip that can be read" in bad["error"]


def test_an_export_of_a_pacs(tmp_path):
    write(tmp_path, *(f"PA{p}/ST0/SE0/IM{n}.dcm" for p in "01" for n in "01"))
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    assert names_in(tmp_path) == ["PA0_ST0_SE0", "PA1_ST0_SE0"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a\nb.nii", "a_b"), ("\x1b[31m.nii", "_[31m"), ("[red]x.nii", "[red]x"), ("$x.nii", "$x"), ("@a.nii", "@a"),
        ("caf\udce9.nii", "caf_"), ("a\u202eb.nii", "a_b"), ("-rf.nii", "-rf"),
        (" .nii", " "),
    ],
)  # fmt: skip
def test_names_can_be_printed(file, name):
    assert case_name(file) == name


def test_a_long_name_is_cut_and_stays_unlike_others():
    first, second = (case_name("é" * 124 + end + ".nii") for end in "ab")
    assert first != second and len(first.encode()) <= 200


def test_a_series_called_by_a_point_has_the_folders_name(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path / "anna", "1.dcm"))
    assert names_in(".") == ["anna"]


def test_names_that_are_one_on_macos_are_told_apart():
    """There an accent is stored apart from its letter, and the second result would have been taken for the first."""
    names = [case["case"] for case in name_cases([{"image": "/a/e\u0301.nii"}, {"image": "/a/\u00e9.nii"}, {"image": "/a/b.nii"}])]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == 3 and names[2] == "b"
