"""A training that was interrupted ends as one left alone, bit for bit."""

from pathlib import Path

import pytest
from ignite.engine import Engine, Events
from small_data import LESIONS, SETTINGS, write_small_data

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
        except KeyboardInterrupt:
            assert stop_after is not None


def interrupt_after(trainer: Engine, epoch: int) -> None:
    if trainer.state.epoch > epoch:
        raise KeyboardInterrupt


@pytest.fixture(scope="module", params=list(SETTINGS))
def small(request, tmp_path_factory) -> tuple[str, dict]:
    """A bundle and settings of a short training."""
    settings = write_small_data(request.param, tmp_path_factory.mktemp("data"))
    least = {"patch": 24} if request.param == LESIONS else {}  # oneDNN's bfloat16 gradients of maps of 2x2x2 vary from run to run
    return request.param, settings | least | {"max_epochs": EPOCHS, "val_interval": 2}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_stopped_in_any_epoch_all_bundles_end_as_if_left_alone(small, tmp_path):
    bundle, settings = small
    train(bundle, tmp_path / "alone", settings)
    for stop in (1, 3):  # before and after a validation; the average takes the last two epochs
        train(bundle, tmp_path / "stopped", settings, stop)
    train(bundle, tmp_path / "stopped", settings)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "alone")
