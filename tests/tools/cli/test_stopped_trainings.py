"""Trainings that commands start end with them."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from signals import restore_signals

from tests.conftest import REPOSITORY
from tools.datasets.digits import prepare_digits


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_command_alone_ends_its_trainings(tmp_path, number, code):
    """They ran on, and the same command, given again, trained beside them in the same folder."""
    path = prepare_digits(tmp_path / "data")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"training": content["training"][:100], "test": []}))
    command = ["crossvalidate", "digits", str(tmp_path / "data"), "-o", str(tmp_path / "out"), "--folds", "2", "--jobs", "2"]
    program = subprocess.Popen(
        [sys.executable, "-m", "tools", *command, "--set", "max_epochs=100000"], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=restore_signals,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 200
        while len(list(tmp_path.glob("out/fold_*/run/checkpoint.pt"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        os.kill(program.pid, number)
        _, said = program.communicate(timeout=60)
        time.sleep(0.5)
        assert program.returncode == code and not alive(program.pid)
        assert "stopped; the same command goes on from what is done" in said and "failed" not in said
    finally:
        if alive(program.pid):
            os.killpg(program.pid, signal.SIGKILL)
