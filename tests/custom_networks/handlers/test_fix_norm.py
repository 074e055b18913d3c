"""Statistics of batch normalisation that a training learns first and keeps then."""

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import AutocastInferer, FixNorm


def train(start, epochs=4, before=lambda engine: None, fixed=False):
    """Train epochs of one batch each; return the means that a norm had after each, and whether the batch's were used."""
    network, inferer = torch.nn.Sequential(torch.nn.BatchNorm3d(1)), AutocastInferer("float32", fixed_norm=fixed)
    batch, means, own = torch.full((2, 1, 2, 2, 2), 3.0), [], []

    def step(engine, _):
        network.train()  # as MONAI's trainer does
        own.append(bool(inferer(batch, network).abs().max() < 1e-3))  # equal values are 0 by their own mean
        means.append(round(float(network[0].running_mean), 4))

    engine = Engine(step)
    before(engine)
    FixNorm(inferer, start).attach(engine)
    engine.run([0], max_epochs=epochs)
    return means, own


def test_learned_in_the_first_half_and_fixed_in_the_second():
    means, own = train(0.5)
    assert means == [0.3, 0.57, 0.57, 0.57]
    assert own == [True, True, False, False]


def test_all_or_none():
    assert train(0.0) == ([0.0] * 4, [False] * 4)
    assert train(1.0)[1] == [True] * 4


def test_follows_a_number_of_epochs_that_falls():
    def shorten(engine):
        engine.add_event_handler(Events.EPOCH_COMPLETED(once=1), lambda engine: setattr(engine.state, "max_epochs", 4))

    assert train(0.5, 100, shorten)[1] == [True, True, False, False]


def test_what_is_fixed_stays_so():
    """By the inferer's own setting, and where the number of epochs rises again."""

    def lengthen(engine):
        engine.add_event_handler(Events.EPOCH_COMPLETED(once=3), lambda engine: setattr(engine.state, "max_epochs", 8))

    assert train(1.0, fixed=True)[1] == [False] * 4
    assert train(0.5, 4, lengthen)[1] == [True, True] + [False] * 6


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="start must be in"):
        FixNorm(AutocastInferer(), 1.5)
