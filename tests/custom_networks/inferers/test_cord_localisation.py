import numpy as np
import pytest
import torch
from conftest import GRAY_MATTER

from custom_networks import CordLocalisation, CordLocaliser
from custom_networks.inferers.cord_search import path_centres
from tools.phantoms.spinal_cord import make_cord_phantom


class Threefold(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        return self.factor * slices


def test_weights_come_with_the_first_slices_and_slices_are_normalised(tmp_path):
    localisation = CordLocalisation(Threefold(), tmp_path / "weights.pt")
    torch.save({"factor": torch.tensor(3.0)}, tmp_path / "weights.pt")
    slices = torch.rand(2, 1, 20, 30) * torch.tensor([5.0, 900.0])[:, None, None, None] + 70
    expected = torch.stack([torch.sigmoid(3 * (s - s.mean()) / s.std()) for s in slices])
    torch.testing.assert_close(localisation(slices), expected)
    assert torch.equal(localisation(torch.ones(1, 1, 4, 4)), torch.full((1, 1, 4, 4), 0.5))


@pytest.mark.parametrize(("contrast", "seed"), [("t2star", 1), ("mt", 2), ("t1", 3)])
def test_shipped_weights_find_the_cord_of_a_phantom(contrast, seed):
    phantom = make_cord_phantom(np.random.default_rng(seed), contrast, (1.0, 1.0), (200, 150), 4)
    slices = torch.from_numpy(phantom.image.astype(np.float32)).movedim(2, 0)[:, None]
    localisation = CordLocalisation(CordLocaliser(), GRAY_MATTER / "models" / "localiser.pt")
    with torch.inference_mode():
        centres = path_centres(localisation(slices)[:, 0])
    for z, centre in enumerate(centres.numpy()):
        assert np.linalg.norm(np.argwhere(phantom.label[..., z]).mean(0) - centre) < 4
