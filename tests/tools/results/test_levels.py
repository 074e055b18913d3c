"""Levels that are named beside a scan."""

import numpy as np
import pytest
from conftest import save_nifti

from custom_networks.errors import UserError
from tools.results.fat import measure_fat
from tools.results.kinds import CaseFiles
from tools.results.kinds.masks import Slices
from tools.results.levels import Level, read_levels

CLASSES = {"0": "background", "1": "muscle"}


@pytest.fixture
def scan(tmp_path):
    """Five slices upwards; the muscle has 1, 2, 3, 0 and 4 pixels of 4 mm2; fat is a quarter of it, on slice 4 half."""
    mask = np.zeros((4, 4, 5), np.uint8)
    for z, count in enumerate((1, 2, 3, 0, 4)):
        mask[:count, 0, z] = 1
    water, fat = np.full(mask.shape, 30, np.float32), np.full(mask.shape, 10, np.float32)
    fat[..., 4] = 30
    for name, array in (("p_water", water), ("p_fat", fat), ("seg", mask)):
        save_nifti(tmp_path / f"{name}.nii.gz", array, np.diag([2.0, 2, 5, 1]))
    return tmp_path


def write(folder, text):
    (folder / "p_water_levels.csv").write_text(text)
    return str(folder / "p_water.nii.gz")


def test_areas_of_levels_are_means_over_the_slices_that_show_a_muscle(scan):
    source = write(scan, "level,first,last\nL5,0,1\nL4,2,3\nL3,7,9\n")
    rows = Slices().measure(CaseFiles("p", source, scan / "seg.nii.gz", CLASSES))
    found = {row["measure"]: (row["structure"], row["value"], row["unit"]) for row in rows if " at " in row["measure"]}
    assert found == {"mean area at L5": ("muscle", "6.000", "mm2"), "mean area at L4": ("muscle", "12.000", "mm2")}


def test_fat_of_levels_is_that_of_their_pixels(scan):
    source = write(scan, "level,first,last\nL4,2,4\n")
    rows = measure_fat(source, str(scan / "p_fat.nii.gz"), scan / "seg.nii.gz", "p", CLASSES)
    assert [row["value"] for row in rows if row["measure"] == "fat fraction at L4"] == [f"{(3 * 25 + 4 * 50) / 7:.2f}"]


def test_without_a_list_nothing_is_added(scan):
    assert read_levels(str(scan / "p_water.nii.gz")) == []
    rows = Slices().measure(CaseFiles("p", str(scan / "p_water.nii.gz"), scan / "seg.nii.gz", CLASSES))
    assert not any(" at " in row["measure"] for row in rows)


def test_lists_of_spreadsheets_are_read(scan):
    (scan / "p_water_levels.csv").write_bytes("\ufefflevel,first,last\r\n L4 ,2,4\r\n".encode())
    assert read_levels(str(scan / "p_water.nii.gz")) == [Level("L4", 2, 4)]


def test_a_list_in_another_code_is_told(scan):
    """The scan failed by an error of Python's."""
    (scan / "p_water_levels.csv").write_bytes("level,first,last\nHöhe,2,4\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"p_water_levels\.csv: is not a table in UTF-8"):
        read_levels(str(scan / "p_water.nii.gz"))


@pytest.mark.parametrize(
    "text", ["level,first\nL4,2\n", "level,first,last\nL4,two,4\n", "level,first,last\nL4,4,2\n", "level,first,last\n,1,2\n"]
)
def test_a_list_that_is_none_is_told(scan, text):
    with pytest.raises(UserError, match="p_water_levels"):
        read_levels(write(scan, text))


def test_levels_of_a_scan_with_a_hash_in_its_name(tmp_path):
    (tmp_path / "a#1.nii.gz").touch()
    (tmp_path / "a#1_levels.csv").write_text("level,first,last\nL4,1,2\n")
    assert read_levels(str(tmp_path / "a#1.nii.gz")) == [Level("L4", 1, 2)]
    (tmp_path / "study").mkdir()
    (tmp_path / "study_levels.csv").write_text("level,first,last\nL5,1,2\n")
    assert read_levels(str(tmp_path / "study#3")) == [Level("L5", 1, 2)]
