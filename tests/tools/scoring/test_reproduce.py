"""Numbers of a README, measured again."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import DIGITS, REPOSITORY

from custom_networks.errors import UserError
from tools.bundles import Bundle, all_bundles
from tools.scoring import reproduce as module
from tools.scoring.reproduce import Number, reproduce


def test_numbers_of_the_digits_hold(tmp_path):
    """As a user types it."""
    command = [sys.executable, "-m", "tools", "reproduce", "digits", "-o", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "holds" in done.stdout and "accuracy" in done.stdout


@pytest.fixture
def bundle(tmp_path):
    """A copy of the digits whose numbers a test writes."""
    folder = tmp_path / DIGITS.name
    shutil.copytree(DIGITS, folder)

    def write(*entries):
        (folder / "docs" / "numbers.json").write_text(json.dumps(entries))
        return Bundle(folder)

    return write


ENTRY = {"title": "test", "data": "MINE", "prepare": ["digits"], "section": "test", "expected": {"accuracy": 0.9}}


def test_what_cannot_be_measured_says_what_it_needs(bundle, tmp_path):
    assert reproduce(bundle(ENTRY), tmp_path, {}) == [Number("test", "accuracy", 0.9, None, 0.002, "MINE")]


def test_data_that_no_number_is_of_are_refused(bundle, tmp_path):
    with pytest.raises(UserError, match="YOURS"):
        reproduce(bundle(ENTRY), tmp_path, {"YOURS": tmp_path})


def test_a_number_that_differs_is_told(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_measure", lambda *arguments: {"accuracy": 0.95})
    (number,) = reproduce(bundle(ENTRY), tmp_path, {"MINE": tmp_path})
    assert (number.found, number.holds) == (0.95, False)
    (number,) = reproduce(bundle(ENTRY | {"tolerance": 0.1}), tmp_path, {"MINE": tmp_path})
    assert number.holds


def test_a_score_that_there_is_not_is_told(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_measure", lambda *arguments: {"dice": 0.95})
    with pytest.raises(UserError, match="no score 'accuracy'"):
        reproduce(bundle(ENTRY), tmp_path, {"MINE": tmp_path})


def test_a_bundle_without_numbers_is_told(bundle, tmp_path):
    made = bundle(ENTRY)
    (made.folder / "docs" / "numbers.json").unlink()
    with pytest.raises(UserError, match="numbers"):
        reproduce(made, tmp_path, {})


@pytest.mark.parametrize(
    "bundle", [b for b in all_bundles() if (b.folder / "docs" / "numbers.json").exists()], ids=lambda b: b.name
)
def test_lists_name_what_there_is(bundle):
    """Every number stands in the README; overlays and sections are there."""
    readme = (bundle.folder / "docs" / "README.md").read_text()
    for entry in json.loads((bundle.folder / "docs" / "numbers.json").read_text()):
        assert entry["section"] in ("training", "validation", "test")
        assert all((bundle.folder / overlay).is_file() for overlay in entry.get("overlays", []))
        assert ("phantom" in entry) != ("prepare" in entry)
        for told in entry["expected"].values():
            assert f"{told:.3f}".rstrip("0") in readme or f"{told:.3f}" in readme, told
