"""Windows go through the network one at a time on a processor, several at once on a GPU, with the same answer."""

import pytest
import torch
from simulated_gpu import SimulatedGPUs

from custom_networks import BrainWindowInferer, CordWindowInferer, PlaneInferer, WindowInferer
from custom_networks.inferers.window_batch import windows_at_once

FLOAT32 = {"precision": "float32"}
INFERERS = {
    "brain": (lambda **batch: BrainWindowInferer(16, **FLOAT32, **batch), (1, 1, 30, 30, 30), 1),
    "cord": (lambda **batch: CordWindowInferer(window=16, **FLOAT32, **batch), (1, 1, 20, 20, 11), 1),
    "plane": (lambda **batch: PlaneInferer(**FLOAT32, **batch), (1, 1, 12, 12, 11), 4),
    "window": (lambda **batch: WindowInferer((16, 16, 16), **FLOAT32, **batch), (1, 1, 30, 30, 30), 1),
}


class Counting(torch.nn.Module):
    """Answers with two classes, and notes how many windows it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(windows))
        return torch.cat([windows, -windows], 1)


@pytest.mark.parametrize("name", INFERERS)
def test_batches_give_the_answer_of_single_windows(name):
    make, shape, on_cpu = INFERERS[name]
    image = torch.rand(shape) + 1
    alone = Counting()
    expected = make(window_batch=1)(image, alone)
    assert set(alone.seen) == {1}
    for settings, most in (({}, on_cpu), ({"window_batch": 3}, 3)):
        network = Counting()
        torch.testing.assert_close(make(**settings)(image, network), expected)
        assert max(network.seen) == most and sum(network.seen) >= sum(alone.seen)
    with SimulatedGPUs():
        network = Counting()
        torch.testing.assert_close(make()(image.cuda(), network).cpu(), expected)
    assert max(network.seen) == 8


def test_less_than_one_window_is_refused():
    assert windows_at_once("mps") == windows_at_once("cuda:1") == 8 and windows_at_once("cpu") == 1
    with pytest.raises(ValueError, match="window_batch 0"):
        windows_at_once("cpu", 0)
