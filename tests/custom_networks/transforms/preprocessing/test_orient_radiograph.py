import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom_networks import EnsureVolumed, OrientRadiographd, PadToSquared, UserError

UPRIGHT = torch.arange(12.0).reshape(1, 4, 3, 1)  # columns to the left, rows down


def tensor(array, affine):
    return MetaTensor(array.contiguous(), affine=torch.as_tensor(np.array(affine), dtype=torch.float64))


@pytest.mark.parametrize(
    ("array", "affine"),
    [
        (UPRIGHT, np.diag([-1.0, -1, 1, 1])),  # as PNG and ITK
        (UPRIGHT.flip(1), np.diag([1.0, -1, 1, 1])),
        (UPRIGHT.flip(2), np.diag([-1.0, 1, 1, 1])),
        (UPRIGHT.transpose(1, 2), [[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        (UPRIGHT, [[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),  # coronal, rows to the feet
        (UPRIGHT.flip(2).permute(0, 1, 3, 2), np.diag([-1.0, 1, 1, 1])),  # coronal, thin axis second, rows to the head
    ],
)
def test_every_way_to_lie_in_space_becomes_upright_and_comes_back(array, affine):
    transform = OrientRadiographd("image")
    turned = transform({"image": tensor(array, affine)})
    assert torch.equal(turned["image"].as_tensor(), UPRIGHT)
    back = transform.inverse(turned)["image"]
    assert torch.equal(back.as_tensor(), array)
    np.testing.assert_allclose(back.affine, np.array(affine, dtype=float))


def test_volumes_and_sagittal_pictures_are_refused():
    with pytest.raises(UserError, match="a volume"):
        OrientRadiographd("image")({"image": tensor(torch.rand(1, 4, 4, 4), np.eye(4))})
    with pytest.raises(UserError, match="sagittal"):
        OrientRadiographd("image")({"image": tensor(torch.rand(1, 1, 4, 4), np.eye(4))})


def test_square_and_back():
    transform = PadToSquared("image")
    square = transform({"image": tensor(UPRIGHT, np.eye(4))})
    assert square["image"].shape == (1, 4, 4, 1)
    assert not square["image"][:, :, 3].any()
    assert torch.equal(transform.inverse(square)["image"].as_tensor(), UPRIGHT)


def test_a_picture_that_became_a_volume_has_three_spatial_axes():
    transform = EnsureVolumed("image")
    volume = transform({"image": MetaTensor(torch.rand(1, 4, 3))})
    assert volume["image"].spatial_ndim == 3
    assert transform.inverse(volume)["image"].spatial_ndim == 2
