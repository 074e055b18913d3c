"""Measures of two scans of one person."""

import math
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY

from custom_networks.errors import UserError
from tools.results.in_memory import as_table
from tools.results.measures import COLUMNS, write_measures
from tools.scoring.repeatability import Repeatability, read_measures, repeatability
from tools.scoring.rescans import score_rescans


def row(case, value, measure="mean area", structure="gray matter", slice_number=""):
    return dict(zip(COLUMNS, (case, structure, measure, slice_number, value, "mm2"), strict=True))


def test_the_coefficient_of_variation_is_that_of_duplicates():
    first = [row("p1_image", "10"), row("p2_image", "20"), row("p3_image", "7"), row("p1_image", "9", slice_number="3")]
    second = [row("p1_rescan", "12"), row("p2_rescan", "20")]
    variation = math.sqrt(2) / 11
    expected = Repeatability("gray matter", "mean area", 2, pytest.approx(variation / math.sqrt(2)), pytest.approx(variation))
    assert repeatability(first, second) == [expected]


def test_places_and_probabilities_have_no_ratio_and_empty_structures_no_say():
    rows = [row("p1", "3", "centroid up"), row("p1", "1", "completeness"), row("p1", "0", "volume"), row("p1", "2", "area")]
    assert [found.measure for found in repeatability(rows, rows)] == ["area"]


def test_lesions_that_each_scan_numbers_anew_are_not_compared():
    rows = [row("p1", "9", "volume", "lesion 1"), row("p1", "9", "volume", "lesions"), row("p1", "0.5", "quality", "all")]
    rows.append(row("p1", "0.5", "mean probability", "lesions"))
    assert [(found.structure, found.measure) for found in repeatability(rows, rows)] == [("lesions", "volume")]


def test_two_visits_of_a_person_are_two_pairs():
    """T1 and T2 are visits here; taken for modalities, one of the two was lost."""
    first, second = ([row(f"p1_{time}{end}", "9") for time in ("T1", "T2")] for end in ("", "_rescan"))
    assert [found.pairs for found in repeatability(first, second)] == [2]
    with pytest.raises(UserError, match="There are p1_T1, p1_T2, p1_rescan"):
        repeatability(first, [row("p1_rescan", "9")])


def test_scans_without_a_repetition_and_folders_without_measures_are_told(tmp_path):
    with pytest.raises(UserError, match="No scan has"):
        repeatability([row("p1", "3")], [row("p2", "3")])
    with pytest.raises(UserError, match=r"measures.csv: no such file"):
        read_measures(tmp_path)


def test_scans_and_rescans_are_segmented_by_weights_that_saw_neither(tmp_path, monkeypatch):
    for name in ("p1_image", "p1_rescan"):
        (tmp_path / f"{name}.nii.gz").touch()
    asked = []

    class Model:
        def segment(self, path):
            case = path.name.removesuffix(".nii.gz")
            value = "9" if case.endswith("_image") else "11"
            return SimpleNamespace(measures=as_table([row(case, value), row(case, "5", "area", slice_number=0)]))

    monkeypatch.setattr("tools.api.load", lambda bundle, weights: asked.append(weights) or Model())
    (found,) = score_rescans(None, tmp_path, tmp_path / "weights", "p[0-9]")
    assert (found.measure, found.pairs, found.variation) == ("mean area", 1, pytest.approx(math.sqrt(2) / 10))
    assert asked == [tmp_path / "weights" / "p1.pt"]
    with pytest.raises(UserError, match="holds no"):
        score_rescans(None, tmp_path / "weights")


@pytest.mark.parametrize("content", [b"x", b"\xff\xfe", b"case,structure,measure,slice,value\np1,cord,area,,many\n", b""])
def test_measures_that_are_none_are_said(tools, tmp_path, content):
    """They were called a fault of the program."""
    for name in ("scan", "rescan"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "measures.csv").write_bytes(content)
    code, printed = tools("score", tmp_path / "scan", tmp_path / "rescan", "--bundle", "cord", "--repeat")
    assert code == 2 and "measures.csv: " in printed and "fault of the program" not in printed, printed


def test_the_command_prints_it(tmp_path):
    """As a user types it."""
    for name, value in (("scan", "90"), ("rescan", "110")):
        (tmp_path / name).mkdir()
        write_measures(tmp_path / name / "measures.csv", [row(f"p1_{name}", value)])
    (tmp_path / "scan" / "measures.csv").write_text((tmp_path / "scan" / "measures.csv").read_text().replace("p1_scan", "p1"))
    command = [sys.executable, "-m", "tools", "score", tmp_path / "scan", tmp_path / "rescan", "--bundle", "cord", "--repeat"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "14.1%" in done.stdout and "mean area" in done.stdout
