import pytest
import torch

from custom_networks import CordSearch
from custom_networks.inferers.cord_search import shortest_path


def test_path_prefers_a_continuous_cord_to_a_stronger_response_on_one_slice():
    evidence = torch.zeros(5, 80, 80)
    for z, x in enumerate((20, 24, 28, 32, 36)):
        evidence[z, x : x + 4, 40:44] = 0.6
    evidence[2, 4:8, 4:8] = 1.0
    assert shortest_path(evidence).tolist()[0][1] == 10
    assert [cell[0] for cell in shortest_path(evidence).tolist()] == pytest.approx([5, 6, 7, 8, 9], abs=1)


def test_path_moves_no_further_than_its_reach():
    evidence = torch.rand(6, 120, 90)
    for reach in (1, 2, 4):
        steps = shortest_path(evidence, reach).diff(dim=0).abs()
        assert steps.max() <= reach


def squares(centres, size=(200, 160)) -> torch.Tensor:
    """A bright square of 9 mm on each slice, on a dim ground with texture."""
    volume = torch.rand(*size, len(centres)) * 0.2
    for z, (x, y) in enumerate(centres):
        volume[x - 9 : x + 9, y - 9 : y + 9, z] += 1
    return volume


def bright(window: torch.Tensor) -> torch.Tensor:
    return 8 * (window - 1.5)


@pytest.mark.parametrize("start", [(30, 30), (100, 80), (165, 125)])
def test_a_leaning_cord_is_found_wherever_it_lies(start):
    centres = [(start[0] + z, start[1] - z) for z in range(5)]
    found = CordSearch(window=48)(squares(centres), bright, spacing=0.5)
    assert (found - torch.tensor(centres)).abs().max() < 3  # 1.5 mm


def test_slices_between_the_searched_ones_are_interpolated():
    centres = [(40 + z, 60) for z in range(21)]
    found = CordSearch(window=48, most_slices=3)(squares(centres), bright, spacing=0.5)
    assert found.shape == (21, 2)
    assert (found - torch.tensor(centres)).abs().max() < 3


def test_nothing_to_find_still_gives_a_centre_inside():
    found = CordSearch(window=48)(torch.zeros(90, 70, 3), lambda window: window - 9, spacing=0.5)
    assert ((found >= 0) & (found < torch.tensor([90, 70]))).all()
