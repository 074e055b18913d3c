"""The command with ``--jobs``, stopped by Ctrl-C in its terminal."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY
from signals import restore_signals
from tiny_bundle import INFERENCE, make_tiny_bundle
from troubled_bundle import write_scans

pytestmark = pytest.mark.slow


def test_ctrl_c_ends_all_processes_and_leaves_what_is_whole(tmp_path):
    pause = {"_target_": "Lambdad", "keys": "image", "func": "$lambda image: [image, time.sleep(1)][0]"}
    transforms = [*INFERENCE["preprocessing"]["transforms"], pause]
    settings = {"imports": ["$import time"], "preprocessing": INFERENCE["preprocessing"] | {"transforms": transforms}}
    bundle = make_tiny_bundle(tmp_path / "spots_segmentation", **settings)
    scans, out = write_scans(tmp_path / "scans", 60), tmp_path / "out"
    command = [sys.executable, "-m", "tools", "segment", bundle, scans, "-o", out, "--trust", "--jobs", 2, "--case-memory", 1]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    pipes["preexec_fn"] = restore_signals
    process = subprocess.Popen(list(map(str, command)), cwd=REPOSITORY, env=environment, **pipes)
    deadline = time.monotonic() + 300
    while len(list(out.glob("*_seg.nii.gz"))) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    asked = time.monotonic()
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 130, printed
    assert time.monotonic() - asked < 60 and "Traceback" not in printed and "dashboard http://127.0.0.1:" in printed
    masks = {path.name.removesuffix("_seg.nii.gz") for path in out.glob("*_seg.nii.gz")}
    with (out / "measures.csv").open(newline="") as stream:
        listed = {row["case"] for row in csv.DictReader(stream)}
    records = {path.name.removesuffix("_seg.record.json"): json.loads(path.read_text()) for path in out.glob("*.record.json")}
    assert 3 <= len(masks) < 60 and listed <= masks and len(masks - listed) <= 2  # two may have been at the last step
    assert records.keys() == masks and not list(out.glob(".axial-*"))
    assert (out / "report.html").read_text().count("<!-- case ") == len(listed)
    with pytest.raises(ProcessLookupError):  # nothing of the group is left
        for _ in range(200):
            os.killpg(process.pid, 0)
            time.sleep(0.05)
