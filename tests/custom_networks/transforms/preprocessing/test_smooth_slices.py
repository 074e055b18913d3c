import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter1d

from custom_networks import SmoothSlicesd


def smooth(pred: torch.Tensor, sigma: float, thickness: float) -> torch.Tensor:
    image = MetaTensor(torch.zeros(1, *pred.shape[1:]), affine=np.diag([1.5, 1.5, thickness, 1.0]))
    return SmoothSlicesd("pred", sigma)({"pred": pred, "image": image})["pred"]


def test_a_slice_counts_by_its_distance_in_mm():
    pred = torch.zeros(2, 4, 3, 41)
    pred[..., 20] = 1
    found = smooth(pred, 6.0, 4.0)
    assert torch.allclose(
        found[0, 0, 0], torch.from_numpy(gaussian_filter1d(pred[0, 0, 0].double().numpy(), 1.5)).float(), atol=1e-3
    )
    assert found.dtype == pred.dtype and found.shape == pred.shape


def test_probabilities_of_a_voxel_still_sum_to_1_at_the_ends_too():
    found = smooth(torch.rand(5, 4, 3, 6).softmax(0), 5.0, 4.0)
    assert torch.allclose(found.sum(0), torch.ones(4, 3, 6))


@pytest.mark.parametrize(("sigma", "thickness", "slices"), [(0.0, 4.0, 5), (4.0, 40.0, 5), (4.0, 4.0, 1)])
def test_slices_without_neighbours_and_far_apart_stay(sigma, thickness, slices):
    pred = torch.rand(3, 4, 3, slices)
    assert torch.allclose(smooth(pred, sigma, thickness), pred)


def test_an_oblique_affine_tells_the_distance():
    turn = np.array([[0.6, 0.0, -0.8], [0.0, 1.0, 0.0], [0.8, 0.0, 0.6]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.5, 1.5, 4.0])
    pred = torch.rand(2, 3, 3, 7)
    found = SmoothSlicesd("pred", 4.0)({"pred": pred, "image": MetaTensor(pred, affine=affine)})["pred"]
    assert torch.allclose(found, smooth(pred, 4.0, 4.0), atol=1e-6)


def test_a_negative_sigma_is_refused():
    with pytest.raises(ValueError, match="sigma"):
        SmoothSlicesd("pred", -1.0)
