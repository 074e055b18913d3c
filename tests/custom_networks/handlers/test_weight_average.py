"""Averages of weights, on every device the same."""

import pytest
import torch
from ignite.engine import Engine, Events

from custom_networks import UserError, WeightAverage


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


def mixed(folder, start, pretrained_share):
    """Return the average that is written where training moves a weight from ``start`` to 4."""
    network = torch.nn.BatchNorm1d(1)
    begin = {"weight": torch.tensor([start]), "num_batches_tracked": torch.tensor(7)}
    torch.save(network.state_dict() | begin, folder / "start.pt")
    trainer = Engine(lambda engine, batch: network.weight.data.fill_(4.0))
    average = WeightAverage(network, folder, start=0.0, pretrained=folder / "start.pt", pretrained_share=pretrained_share)
    average.attach(trainer)
    trainer.run([0], max_epochs=2)
    return torch.load(folder / "model_average.pt", weights_only=True)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 4.0), (0.5, 7.0), (0.25, 5.5)])
def test_pretrained_weights_keep_their_share(share, expected, tmp_path):
    written = mixed(tmp_path, 10.0, share)
    assert float(written["weight"]) == expected and int(written["num_batches_tracked"]) == 0


def test_weights_of_another_network_get_no_share(tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "other.pt")
    average = WeightAverage(torch.nn.BatchNorm1d(1), tmp_path, pretrained=tmp_path / "other.pt", pretrained_share=0.5)
    trainer = Engine(lambda engine, batch: None)
    average.attach(trainer)
    with pytest.raises(UserError, match=r"other\.pt: weights of another network"):
        trainer.run([0])


def test_a_share_of_no_weights_is_an_error(tmp_path):
    trainer = Engine(lambda engine, batch: None)
    WeightAverage(torch.nn.BatchNorm1d(1), tmp_path, pretrained_share=0.5).attach(trainer)
    with pytest.raises(UserError, match=r"pretrained_share 0\.5: of no weights"):
        trainer.run([0])
    with pytest.raises(ValueError, match="pretrained_share"):
        WeightAverage(torch.nn.BatchNorm1d(1), tmp_path, pretrained_share=1.0)
