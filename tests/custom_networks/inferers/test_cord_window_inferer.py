import pytest
import torch

from custom_networks import CordWindowInferer
from custom_networks.inferers.cord_window_inferer import OUTSIDE


def identity(window: torch.Tensor) -> torch.Tensor:
    return window


def drifting(volume: torch.Tensor, network, spacing: float) -> torch.Tensor:
    """A search that moves 5 pixels to the right and 3 to the front each slice."""
    return torch.tensor([[20.0 + 5 * z, 30.0 + 3 * z] for z in range(volume.shape[2])])


def normalized(windows: torch.Tensor) -> torch.Tensor:
    return (windows - windows.mean()) / windows.std()


def test_each_window_comes_back_where_it_was_taken():
    volume = torch.rand(1, 1, 60, 70, 4)
    inferer = CordWindowInferer(drifting, window=10, spacing=1.0, reach=100)
    logits = inferer(volume, identity)
    parts = [volume[0, 0, 16 + 5 * z : 26 + 5 * z, 26 + 3 * z : 36 + 3 * z, z] for z in range(4)]
    expected = torch.full_like(volume, OUTSIDE)
    for z, part in enumerate(normalized(torch.stack(parts))):
        expected[0, 0, 16 + 5 * z : 26 + 5 * z, 26 + 3 * z : 36 + 3 * z, z] = part
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("shape", [(5, 40, 3), (40, 5, 1), (3, 2, 2), (16, 16, 1)])
def test_images_smaller_than_the_window_keep_their_shape(shape):
    logits = CordWindowInferer(window=16, spacing=1.0, reach=100)(torch.rand(2, 1, *shape), identity)
    assert logits.shape == (2, 1, *shape)
    assert (logits[:, :, shape[0] // 2, shape[1] // 2] > OUTSIDE).all()


def test_nothing_is_found_beyond_reach():
    volume = torch.rand(1, 1, 21, 21, 1)
    logits = CordWindowInferer(window=21, spacing=0.5, reach=3.0)(volume, identity)
    x, y = torch.meshgrid(torch.arange(21) - 10, torch.arange(21) - 10, indexing="ij")
    assert torch.equal(logits[0, 0, ..., 0] == OUTSIDE, (x**2 + y**2) * 0.25 > 9)


def test_flip_averages_with_the_mirrored_window():
    def left_heavy(window: torch.Tensor) -> torch.Tensor:
        return window * torch.linspace(0, 2, window.shape[2])[:, None]

    volume = torch.rand(1, 1, 16, 16, 1)
    both = CordWindowInferer(window=16, spacing=1.0, reach=100, flip=True)(volume, left_heavy)
    torch.testing.assert_close(both[0, 0, ..., 0], normalized(volume[0, 0, ..., 0]))


def test_one_window_smaller_axis_stays_centred_while_the_other_is_searched():
    corners = CordWindowInferer(drifting, window=16, spacing=1.0).corners(torch.rand(10, 70, 2), identity)
    assert corners == [(-3, 23), (-3, 26)]
