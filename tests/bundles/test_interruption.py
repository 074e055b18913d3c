"""A training that was interrupted ends as one left alone, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ignite.engine import Engine, Events
from signals import restore_signals
from small_data import CHEST, DIGITS, SETTINGS, write_small_data

from tools.bundles import get_bundle

FILES = ("model.pt", "model_average.pt", "checkpoint.pt")
EPOCHS = 4


def train(bundle: str, output: Path, settings: dict, stop_after: int | None = None) -> None:
    """Train in this process, the trainer being ended after an epoch as by an interruption."""
    with get_bundle(bundle).parser("train.json", **settings, output_dir=str(output)) as parser:
        parser.get_parsed_content("initialize")
        trainer = parser.get_parsed_content("train::trainer")
        if stop_after is not None:
            trainer.add_event_handler(Events.ITERATION_COMPLETED, interrupt_after, stop_after)
        try:
            trainer.run()
        except SystemExit as end:
            assert stop_after is not None and end.code == 130


def interrupt_after(trainer: Engine, epoch: int) -> None:
    if trainer.state.epoch > epoch:
        raise KeyboardInterrupt


@pytest.fixture(scope="module", params=list(SETTINGS))
def small(request, tmp_path_factory) -> tuple[str, dict]:
    """A bundle and settings of a short training."""
    settings = write_small_data(request.param, tmp_path_factory.mktemp("data"))
    return request.param, settings | {"max_epochs": EPOCHS, "val_interval": 2}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_stopped_in_any_epoch_all_bundles_end_as_if_left_alone(small, tmp_path):
    bundle, settings = small
    train(bundle, tmp_path / "alone", settings)
    for stop in (1, 3):  # before and after a validation; the average takes the last two epochs
        train(bundle, tmp_path / "stopped", settings, stop)
    train(bundle, tmp_path / "stopped", settings)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "alone")


def command(bundle: str, output: Path, settings: dict) -> list[str]:
    options = [text for name, value in (settings | {"output_dir": output}).items() for text in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", "configs/train.json", *options]


@pytest.mark.slow
@pytest.mark.parametrize("bundle", [DIGITS, CHEST])
def test_killed_twice_a_training_ends_as_if_left_alone(bundle, tmp_path):
    """SIGKILL right after the first checkpoint, while the next epoch runs or files are written; then SIGINT after another."""
    settings = write_small_data(bundle, tmp_path / "data") | {"max_epochs": 6, "val_interval": 2}
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    start = {
        "cwd": get_bundle(bundle).folder,
        "env": environment,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
        "preexec_fn": restore_signals,
    }
    said = []
    for kill in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen(command(bundle, tmp_path / "killed", settings), **start) as process:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if " axial: epoch " in line:
                    process.send_signal(kill)
                    break
            said.append("".join(lines) + process.stdout.read())
        assert process.returncode not in (0, 1, 2)
    assert "Traceback" not in said[1] and "the same command goes on" in said[1]
    done = subprocess.run(command(bundle, tmp_path / "killed", settings), **start)
    assert done.returncode == 0 and "training goes on after epoch" in done.stdout
    train(bundle, tmp_path / "alone", settings)
    assert contents(tmp_path / "killed") == contents(tmp_path / "alone")
    assert not list((tmp_path / "killed").glob(".*"))
