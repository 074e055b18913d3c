import pytest
import torch

from custom_networks import WindowInferer
from custom_networks.progress import follow_progress


@pytest.mark.parametrize(("window", "axes"), [((8, 8, 4), 5), ((8, 8), 4)])
@pytest.mark.parametrize("shape", [(20, 13, 9), (5, 8, 1)])
def test_windows_put_an_image_together_again(window, axes, shape):
    seen, told = [], []

    def twice(windows: torch.Tensor) -> torch.Tensor:
        seen.append(windows.shape)
        return torch.cat([windows, 2 * windows], 1)

    image = torch.randn(2, 1, *shape)
    with follow_progress(told.append):
        answer = WindowInferer(window, window_batch=3)(image, twice)
    assert torch.allclose(answer, torch.cat([image, 2 * image], 1), atol=1e-5)
    assert all(len(found) == axes and tuple(found[2:]) == window for found in seen)
    assert told[-1] == 1.0 and sorted(told) == told and sum(found[0] for found in seen) == len(told)


def test_all_slices_of_a_volume_are_their_own():
    volume = torch.stack([torch.full((1, 1, 16, 16), float(z)) for z in range(5)], -1)
    answer = WindowInferer((16, 16))(volume, lambda windows: windows.mean((2, 3), keepdim=True).expand_as(windows).clone())
    assert torch.allclose(answer, volume, atol=1e-5)
