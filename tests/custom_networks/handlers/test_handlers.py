"""Handlers on a trainer whose every step is known."""

import csv

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import LoadPretrained, ResumeTraining, SnapshotAverage, TrainingCurves, UserError


def counting_trainer(network: torch.nn.Linear) -> Engine:
    """Each iteration adds one to the bias; the loss is the iteration's number."""

    def step(engine, batch):
        with torch.no_grad():
            network.bias += 1
        return {"loss": float(engine.state.iteration)}

    return Engine(step)


def linear() -> torch.nn.Linear:
    network = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(network.bias)
    return network


def rows(folder) -> list[dict]:
    with (folder / "curves.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_average_is_that_of_the_last_epochs(tmp_path):
    network = linear()
    trainer = counting_trainer(network)
    SnapshotAverage(network, tmp_path, start=0.5).attach(trainer)
    trainer.run([0, 1], max_epochs=4)  # the bias is 6 and 8 after epochs 3 and 4
    assert torch.load(tmp_path / "model_average.pt", weights_only=True)["bias"].item() == 7


def test_average_in_half_precision_loads_into_float32(tmp_path):
    network = linear()
    trainer = counting_trainer(network)
    SnapshotAverage(network, tmp_path, start=0.5, half=True).attach(trainer)
    trainer.run([0, 1], max_epochs=4)
    state = torch.load(tmp_path / "model_average.pt", weights_only=True)
    assert state["bias"].dtype == torch.float16
    network.load_state_dict(state)
    assert network.bias.dtype == torch.float32 and network.bias.item() == 7


def test_average_refuses_a_start_out_of_range(tmp_path):
    with pytest.raises(ValueError, match=r"\[0, 1\), got 1"):
        SnapshotAverage(linear(), tmp_path, start=1)


def test_curves_hold_the_mean_loss_and_the_validation(tmp_path):
    network = linear()
    trainer, evaluator = counting_trainer(network), Engine(lambda engine, batch: None)
    TrainingCurves(tmp_path, evaluator).attach(trainer)

    @trainer.on(Events.EPOCH_COMPLETED(every=2))
    def validate(engine):
        evaluator.run([0])
        evaluator.state.metrics["dice"] = 0.5

    @evaluator.on(Events.EPOCH_COMPLETED)
    def score(engine):
        engine.state.metrics["dice"] = 0.25 * trainer.state.epoch

    trainer.run([0, 1], max_epochs=3)
    assert rows(tmp_path) == [
        {"epoch": "1", "loss": "1.5", "dice": ""},
        {"epoch": "2", "loss": "3.5", "dice": "0.5"},
        {"epoch": "3", "loss": "5.5", "dice": ""},
    ]
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_an_interrupted_training_ends_like_an_unbroken_one(tmp_path):
    for epochs in (2, 5):
        network = linear()
        trainer = counting_trainer(network)
        ResumeTraining(tmp_path, {"network": network}).attach(trainer)
        TrainingCurves(tmp_path).attach(trainer)
        trainer.run([0, 1, 2], max_epochs=epochs)
    assert network.bias.item() == 15
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4", "5"]


def test_a_finished_training_is_left_as_it_is(tmp_path):
    for _ in range(2):
        network = linear()
        trainer = counting_trainer(network)
        ResumeTraining(tmp_path, {"network": network}).attach(trainer)
        trainer.run([0, 1, 2], max_epochs=2)
    assert network.bias.item() == 6


def test_other_data_start_a_training_anew_and_lose_nothing(tmp_path):
    biases = []
    for names, folder in ((["a", "b"], "x"), (["b", "a"], "moved"), (["a", "b", "c"], "x")):
        network = linear()
        trainer = counting_trainer(network)
        data = [{"image": f"/{folder}/{name}.nii.gz", "label": 1} for name in names]
        ResumeTraining(tmp_path, {"network": network}, data=data).attach(trainer)
        trainer.run([0, 1, 2], max_epochs=2 + len(biases))
        biases.append(network.bias.item())
    assert biases == [6, 9, 12]  # the second run added one epoch, the third began at 0
    assert torch.load(tmp_path / "checkpoint_previous.pt", weights_only=True)["epoch"] == 3
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["epoch"] == 4


def test_layers_of_another_shape_stay_fresh_and_are_named(tmp_path, caplog):
    given = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 4))
    own = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 7))
    fresh = own[1].weight.clone()
    torch.save(given.state_dict(), tmp_path / "given.pt")
    trainer = Engine(lambda engine, batch: None)
    LoadPretrained(own, tmp_path / "given.pt").attach(trainer)
    with caplog.at_level("INFO", logger="axial"):
        trainer.run([0])
    assert torch.equal(own[0].weight, given[0].weight) and torch.equal(own[1].weight, fresh)
    assert "2 of 4 tensors loaded; fresh: 1" in caplog.text


@pytest.mark.parametrize("content", [b"no weights", None], ids=["no weights", "missing"])
def test_pretrained_weights_that_cannot_be_read(tmp_path, content):
    if content:
        (tmp_path / "x.pt").write_bytes(content)
    trainer = Engine(lambda engine, batch: None)
    LoadPretrained(linear(), tmp_path / "x.pt").attach(trainer)
    with pytest.raises(UserError, match=r"x\.pt: cannot be read as weights"):
        trainer.run([0])


def test_pretrained_weights_of_another_network(tmp_path):
    torch.save(torch.nn.Linear(5, 5).state_dict(), tmp_path / "x.pt")
    trainer = Engine(lambda engine, batch: None)
    LoadPretrained(linear(), tmp_path / "x.pt").attach(trainer)
    with pytest.raises(UserError, match="no layer fits"):
        trainer.run([0])
