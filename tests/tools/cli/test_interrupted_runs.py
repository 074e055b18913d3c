"""Runs of the real command that are interrupted, killed, or share a folder."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, save_nifti
from signals import restore_signals
from tiny_bundle import INFERENCE, make_tiny_bundle

pytestmark = pytest.mark.slow
CASES = 12


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "spots_segmentation")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """The same, half a second a case, so that a signal comes before the last however busy the machine is."""
    pause = {"_target_": "Lambdad", "keys": "image", "func": "$lambda image: [image, time.sleep(0.5)][0]"}
    transforms = [*INFERENCE["preprocessing"]["transforms"], pause]
    settings = {"imports": ["$import time"], "preprocessing": INFERENCE["preprocessing"] | {"transforms": transforms}}
    return make_tiny_bundle(tmp_path_factory.mktemp("slow") / "spots_segmentation", **settings)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    for index in range(CASES):
        save_nifti(folder / f"case{index:02}.nii.gz", np.random.default_rng(index).random((24, 24, 6)).astype(np.float32))
    return folder


def start(*arguments) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools", "segment", *map(str, arguments), "--trust"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    pipes["preexec_fn"] = restore_signals
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, text=True, errors="replace", **pipes)


def wait_for(output: Path, number: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 600
    while len(list(output.glob("*_seg.nii.gz"))) < number:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.01)


def cases_of(output: Path) -> set[str]:
    with (output / "measures.csv").open(newline="") as stream:
        return {row["case"] for row in csv.DictReader(stream)}


def whole(output: Path) -> set[str]:
    records = [json.loads(path.read_text()) for path in output.glob("*_seg.record.json")]
    assert not [path.name for path in output.iterdir() if "partial" in path.name]
    return {record["case"] for record in records if record["complete"]}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_run_writes_table_and_page_of_what_is_done(slow, scans, tmp_path, number, code):
    process = start(slow, scans, "-o", tmp_path, "--json")
    wait_for(tmp_path, 2, process)
    process.send_signal(number)
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == code and "Traceback" not in printed, printed
    done = cases_of(tmp_path)
    assert 1 <= len(done) < CASES and done <= whole(tmp_path)
    summary = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
    assert {case["case"] for case in summary["cases"] if case["state"] == "done"} == done
    page = (tmp_path / "report.html").read_text()
    assert all(f"<h2>{name}</h2>" in page for name in done)


def test_a_killed_run_is_completed_by_the_next(tiny, scans, tmp_path):
    process = start(tiny, scans, "-o", tmp_path)
    wait_for(tmp_path, 2, process)
    process.kill()
    process.communicate()
    (tmp_path / f".axial-{os.uname().nodename}-{process.pid}-0123456789ab.partial.nii.gz").write_bytes(b"half")
    early = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*_seg.nii.gz")}
    process = start(tiny, scans, "-o", tmp_path, "--quiet")
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == 0 and printed == ""
    assert len(whole(tmp_path)) == len(cases_of(tmp_path)) == CASES
    kept = [path for path, moment in early.items() if path.stat().st_mtime_ns == moment]
    assert len(kept) >= len(early) - 1  # the one at hand was made anew


def test_two_runs_at_once_into_one_folder_lose_nothing(tiny, scans, tmp_path):
    files = sorted(scans.iterdir())
    runs = [start(tiny, *files[first:last], "-o", tmp_path) for first, last in ((0, 7), (5, CASES))]
    for run in runs:
        printed = run.communicate(timeout=600)[0]
        assert run.returncode == 0, printed
    names = {file.name.removesuffix(".nii.gz") for file in files}
    assert cases_of(tmp_path) == whole(tmp_path) == names
    assert {path.name.removesuffix("_overlay.png") for path in tmp_path.glob("*.png")} == names
    page = (tmp_path / "report.html").read_text()
    assert all(page.count(f"<h2>{name}</h2>") == 1 for name in names)


def test_warnings_reach_the_console_and_the_page(tmp_path):
    """A CT without a negative value, as the vertebra bundle warns of; markup in a name stays as it is."""
    scan = save_nifti(tmp_path / "[red]warm.nii.gz", np.random.default_rng(0).random((20, 20, 20)).astype(np.float32) * 100)
    process = start("vertebrae", scan, "-o", tmp_path / "out")
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == 0 and "warning:" in printed and "[red]warm.nii.gz" in printed, printed
    record = json.loads((tmp_path / "out" / "[red]warm_seg.record.json").read_text())
    assert len([warning for warning in record["warnings"] if "hardly Hounsfield units" in warning]) == 1
    assert 'class="warning"' in (tmp_path / "out" / "report.html").read_text()
