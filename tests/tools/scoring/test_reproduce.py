"""Numbers of a README, measured again."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import DIGITS, REPOSITORY

from custom_networks.errors import UserError
from tools.benchmarks.situations import Tally
from tools.bundles import Bundle
from tools.scoring import reproduce as module
from tools.scoring.reproduce import Number, reproduce
from tools.scoring.spread import spread


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
    assert reproduce(bundle(ENTRY), tmp_path, {}) == [Number("test", "accuracy", 0.9, None, 0.002, "needs --data MINE=FOLDER")]
    published = ENTRY | {"converted": {"source": "gmseg", "file": "a.hdf5", "data": "THEIRS"}}
    (number,) = reproduce(bundle(published), tmp_path, {"MINE": tmp_path})
    assert number.why_not == "needs --data THEIRS=FOLDER"
    trained = {"title": "folds", "command": "axial crossvalidate digits", "expected": {"accuracy": {"mean": 0.9, "worst": 0.8}}}
    others = {"title": "paper", "source": "doi", "expected": {"accuracy": 0.99}}
    found = reproduce(bundle(trained, others), tmp_path, {})
    assert [(number.name, number.told, number.found, number.why_not) for number in found] == [
        ("accuracy", 0.9, None, "not measured again: axial crossvalidate digits"),
        ("accuracy, worst case", 0.8, None, "not measured again: axial crossvalidate digits"),
        ("accuracy", 0.99, None, "of others: doi"),
    ]


@pytest.mark.parametrize(
    "entry", [{"title": "no way"}, ENTRY | {"command": "two ways"}, ENTRY | {"sectoin": "test"}, "text"], ids=str
)
def test_a_list_that_is_none_is_told(bundle, tmp_path, entry):
    with pytest.raises(UserError, match="not a list of numbers"):
        reproduce(bundle({"expected": {}} | entry if isinstance(entry, dict) else entry), tmp_path, {})


def test_data_that_no_number_is_of_are_refused(bundle, tmp_path):
    with pytest.raises(UserError, match="YOURS"):
        reproduce(bundle(ENTRY), tmp_path, {"YOURS": tmp_path})


def test_a_number_that_differs_is_told(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_measure", lambda *arguments: {"accuracy": spread([0.95], ["a"])})
    (number,) = reproduce(bundle(ENTRY), tmp_path, {"MINE": tmp_path})
    assert (number.found, number.holds) == (0.95, False)
    (number,) = reproduce(bundle(ENTRY | {"tolerance": 0.1}), tmp_path, {"MINE": tmp_path})
    assert number.holds


def test_a_score_that_there_is_not_is_told(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_measure", lambda *arguments: {"dice": spread([0.95], ["a"])})
    with pytest.raises(UserError, match="no score 'accuracy'"):
        reproduce(bundle(ENTRY), tmp_path, {"MINE": tmp_path})


def test_a_bundle_without_numbers_is_told(bundle, tmp_path):
    made = bundle(ENTRY)
    (made.folder / "docs" / "numbers.json").unlink()
    with pytest.raises(UserError, match="numbers"):
        reproduce(made, tmp_path, {})


def test_folds_are_scored_by_the_weights_that_are_there(bundle, tmp_path, monkeypatch):
    folds = {"weights": "models/folds", "subject": "p[0-9]", "choose": "threshold=0.5,0.6"}
    expected = {"dice": {"mean": 0.85, "deviation": 0.071, "worst": 0.7, "count": 2}}
    made = bundle(ENTRY | {"folds": folds, "expected": expected})
    commands = []

    def run(command, folder, log):
        commands.append(command[3:])
        if command[3] == "crossvalidate":
            table = tmp_path / "00" / "folds" / "crossvalidation.csv"
            table.parent.mkdir()
            table.write_text("fold,subject,case,dice\n1,p1,p1_a,0.7\n1,p1,p1_b,0.9\n2,p2,p2_a,0.9\n")

    monkeypatch.setattr(module, "_run", run)
    with pytest.raises(UserError, match="no weights of folds"):
        reproduce(made, tmp_path, {"MINE": tmp_path})
    (made.folder / "models" / "folds").mkdir()
    numbers = reproduce(made, tmp_path, {"MINE": tmp_path})
    assert [(number.name, number.holds) for number in numbers] == [
        ("dice", True), ("dice, standard deviation", True), ("dice, worst case", True), ("dice, n", True),
    ]  # fmt: skip
    assert commands[-1][-6:] == [
        "--subject",
        "p[0-9]",
        "--weights",
        str(made.folder / "models" / "folds"),
        "--choose",
        "threshold=0.5,0.6",
    ]


def test_a_data_set_is_made_once_and_one_network_of_several_is_scored(bundle, tmp_path, monkeypatch):
    import torch

    member = {"member": "members.1", "overlays": ["configs/one_network.json"], "title": "second"}
    made = bundle(ENTRY, ENTRY | member)
    torch.save({"members.0.weight": torch.zeros(1), "members.1.weight": torch.ones(2)}, made.folder / "models" / "model.pt")
    commands = []

    def run(command, folder, log):
        commands.append(command)
        if "prepare" in command:
            (tmp_path / "00" / "data").mkdir(parents=True)
            (tmp_path / "00" / "data" / "dataset.json").write_text("{}")
        else:
            scores = log.parent / "scores"
            scores.mkdir()
            (scores / "accuracy.csv").write_text("case,accuracy\na,0.9\n")

    monkeypatch.setattr(module, "_run", run)
    assert all(number.holds and number.found for number in reproduce(made, tmp_path, {"MINE": tmp_path}))
    prepare, shipped, second = commands
    assert "prepare" in prepare and "--ckpt" not in shipped
    weights = torch.load(second[second.index("--ckpt") + 1], weights_only=True)
    assert list(weights) == ["weight"] and weights["weight"].tolist() == [1, 1]
    assert second[second.index("--dataset_dir") + 1] == shipped[shipped.index("--dataset_dir") + 1]


def test_a_data_set_of_other_data_is_not_scored_as_these(bundle, tmp_path, monkeypatch):
    """A second run with another folder told the scores of the first."""
    made = bundle(ENTRY | {"prepare": ["folder", "SOURCE"]})

    def run(command, folder, log):
        if "prepare" in command:
            (tmp_path / "00" / "data").mkdir(parents=True)
            (tmp_path / "00" / "data" / "dataset.json").write_text("{}")
        else:
            (log.parent / "scores").mkdir(exist_ok=True)
            (log.parent / "scores" / "accuracy.csv").write_text("case,accuracy\na,0.9\n")

    monkeypatch.setattr(module, "_run", run)
    for _ in range(2):
        assert reproduce(made, tmp_path, {"MINE": tmp_path})[0].holds
    with pytest.raises(UserError, match="was made of other data"):
        reproduce(made, tmp_path, {"MINE": tmp_path / "yours"})


def test_published_weights_are_converted_and_scored(bundle, tmp_path, monkeypatch):
    made = bundle(ENTRY | {"converted": {"source": "gmseg", "file": "a.hdf5", "data": "THEIRS"}})
    commands = []

    def run(command, folder, log):
        commands.append(command)
        (log.parent / "scores").mkdir(exist_ok=True)
        (log.parent / "scores" / "accuracy.csv").write_text("case,accuracy\na,0.9\n")

    monkeypatch.setattr(module, "_run", run)
    (number,) = reproduce(made, tmp_path, {"MINE": tmp_path, "THEIRS": tmp_path / "theirs"})
    assert number.holds and number.found
    _, convert, scoring = commands
    ours = scoring[scoring.index("--ckpt") + 1]
    assert convert[3:] == ["convert-weights", "gmseg", str(tmp_path / "theirs" / "a.hdf5"), "-o", ours, "--overwrite"]


def test_situations_are_added_up_and_kept_until_the_weights_change(bundle, tmp_path, monkeypatch):
    tried = []

    def one(bundle, copies, only):
        tried.append(only[0])
        return [Tally(only[0], phantoms=copies, numbered=copies - (only[0] == "L6"), vertebrae=10, found=9)]

    monkeypatch.setattr(module, "try_situations", one)
    numbers = bundle({"title": "situations", "measure": "situations", "expected": {"numbered": 59, "found": 135}, "tolerance": 2})
    found = reproduce(numbers, tmp_path / "work", {})
    assert [(number.name, number.found, number.holds) for number in found] == [("numbered", 59, True), ("found", 135, True)]
    assert len(tried) == 15 and "one vertebra" not in tried  # nobody can tell its number
    assert reproduce(numbers, tmp_path / "work", {}) == found and len(tried) == 15
    (numbers.folder / "models" / "model.pt").write_bytes(b"others")
    assert reproduce(numbers, tmp_path / "work", {}) == found and len(tried) == 30
