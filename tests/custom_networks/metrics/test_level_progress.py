import torch

from custom_networks.metrics.level_progress import LevelProgress
from custom_networks.vertebrae.identified import COUNT
from custom_networks.vertebrae.kinds import KINDS, UNKNOWN


def test_shares_of_what_is_known():
    metric = LevelProgress()
    pred = torch.zeros(1, 4, COUNT + len(KINDS))
    for row, (number, kind) in enumerate([(20, 7), (21, 8), (3, 2), (5, 11)]):
        pred[0, row, number - 1] = pred[0, row, COUNT + kind] = 1.0
    metric.update((list(pred), [torch.tensor([[20, 7], [22, UNKNOWN], [3, 3], [0, 11]])]))
    assert metric.compute() == {"number_accuracy": 2 / 3, "kind_accuracy": 2 / 3}
