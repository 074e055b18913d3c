"""What the network of levels is shown, and what is read from its answer."""

import numpy as np
import pytest
import torch

from custom_networks.inferers.vertebra_identification import OWN, VertebraIdentification
from custom_networks.vertebrae.crops import MOST, SIZE, SPACING
from custom_networks.vertebrae.identified import COUNT, Identified
from custom_networks.vertebrae.kinds import KINDS
from custom_networks.vertebrae.traversal import FoundVertebra, Instance, TraversalState


class Spy(torch.nn.Module):
    """Answers the number 20 with the logit ``factor``, twice that for the one in the middle, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.0))
        self.seen = []

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        self.seen.append(crops.float())
        logits = torch.zeros(len(crops), MOST, COUNT + len(KINDS))
        logits[:, :, 19] = self.factor
        logits[:, OWN - 1, 19] *= 2
        return logits


@pytest.fixture
def identification(tmp_path) -> VertebraIdentification:
    torch.save({"factor": torch.tensor(3.0)}, tmp_path / "levels.pt")
    return VertebraIdentification(Spy(), tmp_path / "levels.pt", "float32")


def state_of(spacing: float, heights=((60, 80), (40, 60))) -> tuple[TraversalState, list[Instance]]:
    """Cubes of 20 mm above each other in a scan of 100 mm, the highest first."""
    side = round(100 / spacing)
    state = TraversalState.begin(torch.zeros(side, side, side), 0.2)
    instances = []
    for owner, ends in enumerate(heights, start=3):
        across, along = (slice(round(a / spacing), round(b / spacing)) for a, b in ((40, 60), ends))
        state.owner[across, across, along], state.probability[across, across, along] = owner, 0.9
        centre = np.array([50.0, 50.0, sum(ends) / 2]) / spacing - 0.5
        instances.append(Instance(FoundVertebra(1, True, 1.0, None, 1), owner, 0, centre, centre, centre, 1))
    return state, instances


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.0])
def test_crops_have_one_grid_whatever_the_scan_s(identification, spacing):
    answers = identification(*state_of(spacing), spacing, 0.5)
    for answer in answers:
        odds = np.exp((3 + 6) / 2)  # the mean of its own crop and its neighbour's
        assert answer.numbers[19] == pytest.approx(odds / (odds + COUNT - 1), abs=1e-5)
        np.testing.assert_allclose(answer.kinds, 1 / len(KINDS), atol=1e-6)
    (crops,) = identification.network.seen
    assert crops.shape == (2, 2, *SIZE)
    for crop, neighbour in zip(crops[:, 1], (OWN + 1, OWN - 1), strict=True):
        assert set(crop.unique().tolist()) == {0.0, OWN, float(neighbour)}
        assert int((crop == OWN).sum()) == pytest.approx((20 / SPACING) ** 3, rel=0.3)
        np.testing.assert_allclose(torch.argwhere(crop == OWN).float().mean(0), (torch.tensor(SIZE) - 1) / 2, atol=1)
    assert float(crops[:, 0].max()) == pytest.approx(0) and float(crops[:, 0].min()) == -1  # the scan, and beyond it


def test_what_a_crop_cuts_is_not_answered_for_by_it(identification):
    """Cubes 150 mm apart: each crop's face cuts the other one."""
    state = TraversalState.begin(torch.zeros(10, 10, 100), 0.2)
    instances = []
    for owner, low in ((3, 60), (4, 10)):
        state.owner[..., low : low + 25], state.probability[..., low : low + 25] = owner, 0.9
        centre = np.array([4.5, 4.5, low + 12.0])
        instances.append(Instance(FoundVertebra(1, True, 1.0, None, 1), owner, 0, centre, centre, centre, 1))
    for answer in identification(state, instances, 3.0, 0.5):
        assert answer.numbers[19] == pytest.approx(np.exp(6) / (np.exp(6) + COUNT - 1), abs=1e-4)
    assert {0.0, OWN, OWN + 1.0} == set(identification.network.seen[0][0, 1].unique().tolist())


def test_uncertain_voxels_belong_to_nobody(identification):
    state, instances = state_of(3.0)
    state.probability[state.owner == 3] = 0.4
    identification(state, instances, 3.0, 0.5)
    assert set(identification.network.seen[0][1, 1].unique().tolist()) == {0.0, OWN}


def test_more_instances_than_a_crop_holds(identification):
    state, instances = state_of(3.0, [(90 - 3 * i, 93 - 3 * i) for i in range(25)])
    assert len(identification(state, instances, 3.0, 0.5)) == 25
    seen = torch.cat(identification.network.seen)[:, 1]
    assert seen.max() == MOST and all((crop == OWN).any() for crop in seen)


def test_no_instance_asks_nothing_and_odd_answers_are_refused(identification):
    assert identification(state_of(3.0)[0], [], 3.0, 0.5) == []
    with pytest.raises(ValueError, match="expected 28 and 12"):
        Identified(np.zeros(3), np.zeros(len(KINDS)))
