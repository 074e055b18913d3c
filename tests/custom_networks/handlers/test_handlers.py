"""Handlers on a trainer whose every step is known."""

import csv
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import Checkpoint, LoadPretrained, TrainingCurves, TrainingRecord, UserError, WeightAverage
from custom_networks.handlers.progress_log import duration
from custom_networks.results.write_result import HOST


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
    WeightAverage(network, tmp_path, start=0.5).attach(trainer)
    trainer.run([0, 1], max_epochs=4)  # the bias is 6 and 8 after epochs 3 and 4
    assert torch.load(tmp_path / "model_average.pt", weights_only=True)["bias"].item() == 7


def test_average_in_half_precision_loads_into_float32(tmp_path):
    network = linear()
    trainer = counting_trainer(network)
    WeightAverage(network, tmp_path, start=0.5, half=True).attach(trainer)
    trainer.run([0, 1], max_epochs=4)
    state = torch.load(tmp_path / "model_average.pt", weights_only=True)
    assert state["bias"].dtype == torch.float16
    network.load_state_dict(state)
    assert network.bias.dtype == torch.float32 and network.bias.item() == 7


def test_average_refuses_a_start_out_of_range(tmp_path):
    with pytest.raises(ValueError, match=r"\[0, 1\), got 1"):
        WeightAverage(linear(), tmp_path, start=1)


def test_moving_average_follows_every_step(tmp_path):
    network = linear()
    trainer = counting_trainer(network)
    WeightAverage(network, tmp_path, decay=0.5).attach(trainer)
    trainer.run([0, 1], max_epochs=2)  # the bias is 1, 2, 3, 4; the average 1, 1.5, 2.25, 3.125
    assert torch.load(tmp_path / "model_average.pt", weights_only=True)["bias"].item() == 3.125


def test_curves_hold_the_mean_loss_and_the_validation(tmp_path):
    network = linear()
    trainer, evaluator = counting_trainer(network), Engine(lambda engine, batch: None)

    @trainer.on(Events.EPOCH_COMPLETED(every=2))
    def validate(engine):
        evaluator.run([0])

    @evaluator.on(Events.EPOCH_COMPLETED)
    def score(engine):
        engine.state.metrics["dice"] = 0.25 * trainer.state.epoch

    TrainingCurves(tmp_path, evaluator).attach(trainer)
    trainer.run([0, 1], max_epochs=3)
    assert rows(tmp_path) == [
        {"epoch": "1", "loss": "1.5", "dice": ""},
        {"epoch": "2", "loss": "3.5", "dice": "0.5"},
        {"epoch": "3", "loss": "5.5", "dice": ""},
    ]
    assert (tmp_path / "curves.png").stat().st_size > 1000


def record(folder, epochs: int, scores=(), **settings):
    """Train a linear network whose validations give scores, one an epoch; return network and trainer."""
    network = linear()
    trainer, evaluator = counting_trainer(network), Engine(lambda engine, batch: None)
    evaluator.state.key_metric_name = "dice"

    @evaluator.on(Events.EPOCH_COMPLETED)
    def score(engine):
        engine.state.metrics["dice"] = scores[trainer.state.epoch - 1]

    trainer.add_event_handler(Events.EPOCH_COMPLETED(lambda engine, epoch: epoch <= len(scores)), lambda: evaluator.run([0]))
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=epochs, power=0.9)
    TrainingRecord(folder, network, optimizer, evaluator, schedule, **settings).attach(trainer)
    trainer.run([0, 1, 2], max_epochs=epochs)
    return network, trainer, optimizer


def bias(folder, name: str = "model.pt") -> float:
    return torch.load(folder / name, weights_only=True)["bias"].item()


def test_an_interrupted_training_ends_like_an_unbroken_one(tmp_path):
    for epochs in (2, 5):
        network, _, _ = record(tmp_path, epochs)
    assert network.bias.item() == 15
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("scores", [(), (0.1, 0.2, 0.3)])
def test_a_training_that_diverges_ends_and_keeps_what_was_sound(tmp_path, scores):
    """Validated or not: NaN was averaged, kept as the best, and gone on from."""
    record(tmp_path, 2, scores)
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("*.pt")}
    network = linear()
    trainer, evaluator = counting_trainer(network), Engine(lambda engine, batch: None)
    evaluator.state.key_metric_name = "dice"
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: network.bias.data.fill_(float("nan")))
    evaluator.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.state.metrics.update(dice=0.9))
    if scores:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run([0]))
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=0.9)
    TrainingRecord(tmp_path, network, optimizer, evaluator, schedule).attach(trainer)
    with pytest.raises(UserError, match="Epoch 3: the training diverged, bias is not finite"):
        trainer.run([0, 1, 2], max_epochs=4)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.pt")} == kept


def test_a_finished_training_is_left_as_it_is(tmp_path):
    for _ in range(2):
        network, _, _ = record(tmp_path, 2)
    assert network.bias.item() == 6


def test_a_worse_model_after_a_resumption_does_not_replace_the_best(tmp_path):
    record(tmp_path, 2, [0.5, 0.9])
    assert bias(tmp_path) == 6
    record(tmp_path, 4, [0.5, 0.9, 0.7, 0.8])
    assert bias(tmp_path) == 6
    record(tmp_path, 5, [0.5, 0.9, 0.7, 0.8, 0.91])
    assert bias(tmp_path) == 15


def test_the_last_weights_are_the_model_where_nothing_was_validated(tmp_path, caplog):
    with caplog.at_level("INFO", logger="axial"):
        record(tmp_path, 2)
    assert bias(tmp_path) == 6
    assert "the last weights, as no validation told better ones" in caplog.text
    record(tmp_path, 3, [0, 0, 0.1])
    assert bias(tmp_path) == 9


@pytest.mark.parametrize("factory", ["PolynomialLR", "CosineAnnealingLR", "StepLR"])
def test_more_epochs_stretch_the_schedule(tmp_path, factory):
    def schedule(optimizer, epochs):
        options = {"PolynomialLR": {"total_iters": epochs}, "CosineAnnealingLR": {"T_max": epochs}, "StepLR": {"step_size": 2}}
        return getattr(torch.optim.lr_scheduler, factory)(optimizer, **options[factory])

    def rates(folder, epochs: int) -> list[float]:
        network = linear()
        trainer, found = counting_trainer(network), []
        optimizer = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: found.append(optimizer.param_groups[0]["lr"]))
        TrainingRecord(folder, network, optimizer, lr_scheduler=schedule(optimizer, epochs)).attach(trainer)
        trainer.run([0], max_epochs=epochs)
        return found

    rates(tmp_path / "broken", 3)
    assert rates(tmp_path / "broken", 7) == rates(tmp_path / "unbroken", 7)[3:]


@pytest.mark.parametrize("fault", ["cut", "empty", "missing", "other"])
def test_a_damaged_checkpoint_falls_back_on_the_one_before(tmp_path, caplog, fault):
    record(tmp_path, 3)
    path = tmp_path / "checkpoint.pt"
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "other": b"no checkpoint"}[fault])
    with caplog.at_level("INFO", logger="axial"):
        network, _, _ = record(tmp_path, 5)
    assert network.bias.item() == 15
    assert "training goes on after epoch 2" in caplog.text
    said = [entry for entry in caplog.records if entry.name == "axial" and entry.levelname == "WARNING"]
    assert len(said) == (0 if fault == "missing" else 1)
    assert fault == "missing" or "checkpoint.pt: damaged, kept as checkpoint_damaged.pt" in caplog.text
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["epoch"] == 5


def test_when_all_checkpoints_are_damaged_training_says_so_and_leaves_them(tmp_path):
    record(tmp_path, 3)
    for name in ("checkpoint.pt", "checkpoint_backup.pt"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=r"checkpoint\.pt and .*checkpoint_backup\.pt: damaged"):
        record(tmp_path, 5)
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"x"


def test_a_checkpoint_of_another_network(tmp_path):
    record(tmp_path, 1)
    network = torch.nn.Linear(3, 3)
    trainer = counting_trainer(network)
    TrainingRecord(tmp_path, network).attach(trainer)
    with pytest.raises(UserError, match=r"checkpoint\.pt: of another network"):
        trainer.run([0], max_epochs=2)


def test_training_ends_when_validations_get_no_better(tmp_path, caplog):
    scores = [0.1, 0.5, 0.4, 0.5, 0.3, 0.9]
    with caplog.at_level("INFO", logger="axial"):
        _, trainer, _ = record(tmp_path, 6, scores, patience=3)
    assert trainer.state.epoch == 5 and bias(tmp_path) == 6
    assert "No better score in 3 validations: training ends after epoch 5." in caplog.text
    _, trainer, _ = record(tmp_path, 6, scores, patience=3)  # ended is ended
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["epoch"] == 5


def test_every_epoch_tells_loss_scores_and_the_time_left(tmp_path, caplog):
    with caplog.at_level("INFO", logger="axial"):
        record(tmp_path, 2, [0.5, 0.25])
    assert "epoch 1 of 2: loss 2, dice 0.5 (best 0.5, epoch 1); " in caplog.text
    assert "epoch 2 of 2: loss 5, dice 0.25 (best 0.5, epoch 1); " in caplog.text
    assert caplog.text.count(" left") == 2


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (42, "42 s"), (250, "4 min 10 s"), (7500, "2 h 05 min")]
)
def test_durations_have_units(seconds, text):
    assert duration(seconds) == text


def test_an_output_that_cannot_be_used_is_said_before_the_first_epoch(tmp_path):
    """An epoch was lost; a file named as the folder is what Docker and shells make of slips."""
    (tmp_path / "runs").touch()
    network = linear()
    trainer = counting_trainer(network)
    TrainingRecord(tmp_path / "runs", network).attach(trainer)
    with pytest.raises(OSError, match="runs"):
        trainer.run([0, 1], max_epochs=2)
    assert network.bias.item() == 0


def test_other_data_start_a_training_anew_and_lose_nothing(tmp_path):
    biases = []
    for names, folder in ((["a", "b"], "x"), (["b", "a"], "moved"), (["a", "b", "c"], "x")):
        network = linear()
        trainer = counting_trainer(network)
        data = [{"image": f"/{folder}/{name}.nii.gz", "label": 1} for name in names]
        checkpoint = Checkpoint(tmp_path, network, data=data)
        trainer.add_event_handler(Events.STARTED, checkpoint.load)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, checkpoint.save)
        trainer.run([0, 1, 2], max_epochs=2 + len(biases))
        biases.append(network.bias.item())
    assert biases == [6, 9, 12]  # the second run added one epoch, the third began at 0
    assert torch.load(tmp_path / "checkpoint_previous.pt", weights_only=True)["epoch"] == 3
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["epoch"] == 4


class Late:
    """Entries of which some are drawn in the last two fifths of the epochs."""

    def __init__(self, early: str, late: str) -> None:
        self.data = [{"image": f"{name}.nii.gz", "label": 1} for name in early]
        self.data += [{"image": f"{name}.nii.gz", "label": 1, "after": 0.6} for name in late]

    def set_epoch(self, epoch: int, epochs: int) -> None:
        self.progress = epoch / epochs

    def draws_late(self) -> bool:
        return self.progress > 0.6 and any("after" in entry for entry in self.data)


def train_on(folder, dataset: Late, epochs: int = 5, last: int | None = None) -> float:
    """Add a random number an iteration, and another one for every late entry; return the bias.

    With ``last`` it ends after that epoch, as if stopped.
    """
    network = linear()

    def step(engine, batch):
        with torch.no_grad():
            late = sum("after" in entry for entry in dataset.data) if dataset.draws_late() else 0
            network.bias += torch.rand(1 + late)[-1]
        return {"loss": 1.0}

    trainer = Engine(step)
    trainer.data_loader = SimpleNamespace(dataset=dataset)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    TrainingRecord(folder, network, optimizer, Engine(lambda engine, batch: None)).attach(trainer)
    if last is not None:
        trainer.add_event_handler(Events.EPOCH_COMPLETED(once=last), lambda engine: engine.terminate())
    trainer.run([0, 1], max_epochs=epochs)
    return network.bias.item()


def test_what_comes_before_late_data_serves_every_training_that_differs_in_these_alone(tmp_path):
    alone = [train_on(tmp_path / name, Late("ab", late)) for name, late in (("c", "c"), ("de", "de"))]
    assert torch.load(tmp_path / "c" / "checkpoint_early.pt", weights_only=True)["epoch"] == 3
    for late, expected in (("c", alone[0]), ("de", alone[1])):
        folder = tmp_path / f"shared {late}"
        folder.mkdir()
        shutil.copy(tmp_path / "c" / "checkpoint_early.pt", folder / "checkpoint.pt")
        assert train_on(folder, Late("ab", late)) == expected
        assert [row["epoch"] for row in rows(folder)] == ["4", "5"]
        assert torch.equal(
            *(torch.load(path / "model_average.pt", weights_only=True)["bias"] for path in (folder, tmp_path / late))
        )


def test_what_comes_before_late_data_is_of_no_use_where_early_data_differ(tmp_path, caplog):
    train_on(tmp_path / "c", Late("ab", "c"))
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "c" / "checkpoint_early.pt", tmp_path / "other" / "checkpoint.pt")
    train_on(tmp_path / "other", Late("ax", "c"))
    assert "made with other data" in caplog.text
    assert [row["epoch"] for row in rows(tmp_path / "other")] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("epochs", [(5, 20), (20, 5, 12), (10, 4)])
def test_a_training_with_late_data_is_gone_on_with_whatever_the_number_of_epochs(tmp_path, caplog, epochs):
    for number in epochs:
        train_on(tmp_path, Late("ab", "c"), number, last=3 if number == epochs[0] else None)
    assert "made with other data" not in caplog.text
    assert [row["epoch"] for row in rows(tmp_path)] == [str(epoch) for epoch in range(1, max(3, *epochs[1:]) + 1)]


def test_what_has_seen_late_data_is_never_kept_as_early(tmp_path):
    """Not even where more epochs make a later one early again."""
    train_on(tmp_path, Late("ab", "c"), 5)
    train_on(tmp_path, Late("ab", "c"), 20)  # epochs 6 to 12 draw no late data
    assert torch.load(tmp_path / "checkpoint_early.pt", weights_only=True)["epoch"] == 3


def test_what_validation_chose_stays_with_its_training(tmp_path):
    train_on(tmp_path, Late("ab", "c"))
    early = torch.load(tmp_path / "checkpoint_early.pt", weights_only=True)
    assert "average" in early and not {"best", "stopping"} & early.keys()


def test_a_training_without_late_data_keeps_no_early_checkpoint(tmp_path):
    train_on(tmp_path, Late("ab", ""))
    assert not (tmp_path / "checkpoint_early.pt").exists()


def test_a_network_gets_back_its_layout_in_memory(tmp_path):
    """Convolutions round by it."""
    states = []
    for layout in (torch.channels_last, torch.contiguous_format):
        network = torch.nn.Conv2d(4, 4, 3).to(memory_format=layout)
        trainer = Engine(lambda engine, batch: {"loss": 0.0})
        checkpoint = Checkpoint(tmp_path, network)
        trainer.add_event_handler(Events.STARTED, checkpoint.load)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, checkpoint.save)
        trainer.run([0], max_epochs=1 + len(states))
        states.append((tmp_path / "checkpoint.pt").read_bytes())
        assert network.weight.is_contiguous(memory_format=torch.channels_last)


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


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True).stdout.strip()
    leftover = tmp_path / f".axial-{HOST}-{ended}-0123456789ab.partial"
    leftover.write_bytes(b"half")
    record(tmp_path, 1)
    assert not leftover.exists() and bias(tmp_path) == 3


def test_weights_of_a_training_that_diverged_are_refused(tmp_path):
    state = linear().state_dict()
    state["bias"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    trainer = counting_trainer(linear())
    LoadPretrained(linear(), tmp_path / "nan.pt").attach(trainer)
    with pytest.raises(UserError, match=r"nan\.pt: bias holds NaN"):
        trainer.run([0])
