import pytest
import torch

from custom_networks import CordLocator, UserError
from custom_networks.inferers.cord_locator import CELL, normalize_percentiles, shortest_path


def test_path_prefers_a_continuous_cord_to_a_brighter_vessel():
    evidence = torch.zeros(5, 40, 40)
    for z, x in enumerate((8, 12, 16, 20, 24)):  # cells 2 to 6
        evidence[z, x : x + CELL, 20 : 20 + CELL] = 0.8
    evidence[2, 0:CELL, 0:CELL] = 1.0
    assert shortest_path(evidence).tolist() == [[2, 5], [3, 5], [4, 5], [5, 5], [6, 5]]


def test_path_bridges_a_slice_without_evidence():
    evidence = torch.zeros(3, 40, 40)
    evidence[0, 12:16, 12:16] = evidence[2, 12:16, 12:16] = 0.9
    path = shortest_path(evidence)
    assert path[0].tolist() == path[2].tolist() == [3, 3]
    assert (path[1] - path[0]).abs().max() <= 2


def test_path_of_a_single_slice():
    evidence = torch.zeros(1, 16, 24)
    evidence[0, 4:8, 20:24] = 0.5
    assert shortest_path(evidence).tolist() == [[1, 5]]


def test_percentiles_become_the_ends_of_the_range():
    slices = torch.linspace(0, 1000, 1001).reshape(1, 1, 7, 143)
    normalized = normalize_percentiles(slices)
    assert normalized.min() == -1 and normalized.max() == 1
    assert normalized.flatten()[500].item() == pytest.approx(0, abs=1e-3)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.pt"):
        CordLocator(str(tmp_path / "none.pt"))
