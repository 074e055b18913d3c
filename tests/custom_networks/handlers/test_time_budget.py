"""A training that has minutes, not epochs."""

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import TimeBudget


class Clock:
    """Seconds that pass when an epoch says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def train(minutes, seconds_of_epoch, max_epochs=100, **options):
    """Run a trainer whose epochs take given seconds; return the engine and the rates of its epochs."""
    clock = Clock()
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=max_epochs, power=0.9)
    engine, rates = Engine(lambda engine, batch: None), []
    TimeBudget(minutes, scheduler, clock=clock, **options).attach(engine)

    @engine.on(Events.EPOCH_STARTED)
    def note(engine):
        rates.append(optimizer.param_groups[0]["lr"])
        clock.seconds += seconds_of_epoch(engine.state.epoch)

    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: (optimizer.step(), scheduler.step()))
    engine.run([0], max_epochs=max_epochs)
    return engine, rates, clock.seconds


def test_training_ends_within_its_minutes_and_the_rate_with_it():
    engine, rates, seconds = train(1, lambda epoch: 20 if epoch == 1 else 2, reserve=0.0)
    assert engine.state.epoch == 21
    assert seconds == 60
    assert rates[0] == 1.0
    assert 0 < rates[-1] < 0.08
    assert rates == sorted(rates, reverse=True)


def test_epochs_that_slow_down_end_earlier():
    engine, _, seconds = train(1, lambda epoch: 2 if epoch < 10 else 4, reserve=0.0)
    assert 56 <= seconds <= 62
    assert engine.state.epoch < 25


def test_epochs_named_are_never_exceeded():
    assert train(10, lambda epoch: 1, max_epochs=5)[0].state.epoch == 5


def test_without_minutes_nothing_changes():
    engine, rates, _ = train(None, lambda epoch: 1000, max_epochs=4)
    assert engine.state.epoch == 4
    assert rates == pytest.approx([(1 - n / 4) ** 0.9 for n in range(4)])


def test_a_first_epoch_longer_than_all_minutes_is_the_last():
    assert train(1, lambda epoch: 90)[0].state.epoch == 1


def test_a_schedule_that_cannot_be_shortened_is_warned_of(caplog):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0)
    for minutes, warned in ((None, False), (1, True)):
        engine = Engine(lambda engine, batch: None)
        TimeBudget(minutes, schedule).attach(engine)
        engine.run([0], max_epochs=1)
        assert ("its schedule cannot be shortened" in caplog.text) == warned
    train(1, lambda epoch: 90)
    assert caplog.text.count("cannot be shortened") == 1


@pytest.mark.parametrize("minutes", [0, -1])
def test_no_minutes_are_refused(minutes):
    with pytest.raises(ValueError, match="above 0"):
        TimeBudget(minutes)
