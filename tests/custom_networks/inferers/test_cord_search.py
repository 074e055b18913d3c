import itertools
import math

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


def squares(centres, size=(200, 160), texture=0.2) -> torch.Tensor:
    """A bright square of 9 mm on each slice, on a dim ground with texture."""
    volume = torch.rand(*size, len(centres)) * texture
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


class Told:
    """A localisation that tells given places, in pixels of 1 mm, and counts its calls."""

    def __init__(self, places) -> None:
        self.places, self.calls = places, 0

    def __call__(self, slices: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        probability = torch.zeros_like(slices)
        for map_, (x, y) in zip(probability[:, 0], self.places, strict=True):
            map_[x - 5 : x + 6, y - 4 : y + 5] = 1
        return probability


class Counted:
    def __init__(self) -> None:
        self.windows = 0

    def __call__(self, window: torch.Tensor) -> torch.Tensor:
        self.windows += len(window)
        return bright(window)


CENTRES = [(100 + z, 60 - z) for z in range(5)]


def test_a_place_that_was_told_saves_windows_and_changes_no_centre():
    everywhere, near, volume = Counted(), Counted(), squares(CENTRES)
    expected = CordSearch(window=48)(volume, everywhere, spacing=0.5)
    localisation = Told([(x // 2 + 1, y // 2 - 2) for x, y in CENTRES])
    assert torch.equal(CordSearch(window=48, localisation=localisation)(volume, near, spacing=0.5), expected)
    assert near.windows < everywhere.windows / 2


@pytest.mark.parametrize("size", [(200, 160), (48, 160), (30, 160), (131, 97)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
def test_windows_near_a_place_lie_as_in_the_whole_slice(size, overlap):
    search = CordSearch(window=48, overlap=overlap)
    pixels = torch.arange(1.0, math.prod(size) + 1).view(size)
    whole = search._evidence(pixels, torch.relu, 1.0)
    for corner in itertools.product((0, size[0] // 2, size[0] - 1), (0, 70, size[1] - 1)):
        near = torch.zeros(size, dtype=torch.bool)
        near[corner] = True
        assert torch.equal(search._evidence(pixels, torch.relu, 1.0, near), torch.where(near, whole, 0.0))


def test_everything_is_searched_where_nothing_is_found_at_the_place_told():
    volume, localisation = squares(CENTRES, texture=0), Told([(20, 60)] * 5)
    expected = CordSearch(window=48)(volume, bright, spacing=0.5)
    assert torch.equal(CordSearch(window=48, localisation=localisation)(volume, bright, spacing=0.5), expected)
    assert localisation.calls == 1


def test_the_place_told_stands_where_nothing_is_found_anywhere():
    """Three empty slices of five settle it."""
    windows, calls, volume = 0, Counted(), squares(CENTRES)

    def nothing(window: torch.Tensor) -> torch.Tensor:
        nonlocal windows
        windows += 1
        return window - 9

    found = CordSearch(window=48, localisation=Told([(20, 60)] * 5))(volume, nothing, spacing=0.5)
    assert (found - torch.tensor([40.5, 120.5])).abs().max() < 0.5
    CordSearch(window=48)(volume, calls, spacing=0.5)
    assert windows == 3 * calls.windows // 5 + 30  # and those near the place


def test_faint_slices_do_not_end_a_search_that_most_slices_decide():
    volume, localisation = squares(CENTRES, texture=0), Told([(20, 60)] * 5)
    volume[..., :2] = 0
    expected = CordSearch(window=48)(volume, bright, spacing=0.5)
    found = CordSearch(window=48, localisation=localisation)(volume, bright, spacing=0.5)
    assert torch.equal(found, expected)


def test_small_fields_are_searched_whole():
    localisation = Told([])
    CordSearch(window=48, localisation=localisation)(squares([(40, 40)], (80, 84)), bright, spacing=0.5)
    assert localisation.calls == 0
