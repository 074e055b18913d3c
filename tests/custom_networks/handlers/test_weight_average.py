"""Averages of weights, on every device the same."""

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import WeightAverage


@pytest.mark.parametrize(("decay", "expected"), [(None, 2.5), (0.5, 3.125)])
def test_counters_of_batch_normalisation_are_taken_as_they_are(decay, expected, tmp_path):
    """torch divides whole numbers on GPUs, which fails; the same mean is taken on every device, so this fails here too."""
    network = torch.nn.BatchNorm1d(1)
    average = WeightAverage(network, tmp_path, start=0.0, decay=decay)
    trainer = Engine(lambda engine, batch: None)

    def train(engine):
        network.weight.data.fill_(engine.state.epoch)
        network.num_batches_tracked.fill_(10 * engine.state.epoch)

    trainer.add_event_handler(Events.ITERATION_STARTED, train)
    average.attach(trainer)
    trainer.run([0], max_epochs=4)
    written = torch.load(tmp_path / "model_average.pt", weights_only=True)
    assert float(written["weight"]) == expected and int(written["num_batches_tracked"]) == 40
