"""Resampling axis by axis gives what MONAI and SciPy give."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Spacingd, SpatialResample
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from custom_networks.transforms.preprocessing.anti_alias import smoothing
from custom_networks.transforms.preprocessing.axis_resample import AxisResample
from custom_networks.transforms.preprocessing.spacing import SpacingVolumed

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", [0.1, 0.2, 0.3]).as_matrix() * [0.4, 2, 0.8]
OBLIQUE[:3, 3] = (-20, 30, 7)
GRIDS = {
    "finer": ((20, 30, 4), np.diag([0.5, 0.6, 5, 1.0]), (0.25, 0.25, -1)),
    "coarser": ((31, 40, 50), np.diag([0.586, 0.586, 1.5, 1.0]), (2.0, 2.0, 2.0)),
    "one slice": ((16, 21, 1), np.diag([0.7, 0.9, 4, 1.0]), (0.25, 0.25, -1)),
    "oblique": ((26, 12, 17), OBLIQUE, (1.3, 1.3, 1.3)),
    "as it is": ((6, 7, 8), np.eye(4), (1.0, 1.0, 1.0)),
    "larger than the image": ((3, 4, 5), np.eye(4), (9.0, 9.0, 9.0)),
}


def volume(shape, affine, dtype=np.float32) -> MetaTensor:
    array = np.random.default_rng(0).normal(0, 100, (1, *shape)).astype(dtype)
    return MetaTensor(torch.from_numpy(array), affine=torch.from_numpy(affine))


def resample(kind, image, pixdim, **settings):
    transform = kind("image", pixdim=pixdim, mode="bilinear", padding_mode="border", **settings)
    there = transform({"image": image.clone()})["image"]
    return there, transform.inverse({"image": there.clone()})["image"]


@pytest.mark.parametrize(("shape", "affine", "pixdim"), GRIDS.values(), ids=GRIDS.keys())
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_there_and_back_as_monai_does_it(shape, affine, pixdim, dtype):
    image = volume(shape, affine, dtype)
    for ours, theirs in zip(resample(SpacingVolumed, image, pixdim), resample(Spacingd, image, pixdim), strict=True):
        torch.testing.assert_close(ours.as_tensor(), theirs.as_tensor(), rtol=1e-5, atol=1e-3)
        torch.testing.assert_close(ours.affine, theirs.affine)
        assert len(ours.applied_operations) == len(theirs.applied_operations)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
def test_what_is_not_linear_up_to_the_border_is_left_to_monai(mode, padding_mode):
    image = volume(*GRIDS["coarser"][:2])
    settings = {"pixdim": (0.9, 0.8, 1.0), "mode": mode, "padding_mode": padding_mode}
    ours, theirs = (kind("image", **settings)({"image": image.clone()})["image"] for kind in (SpacingVolumed, Spacingd))
    torch.testing.assert_close(ours.as_tensor(), theirs.as_tensor(), rtol=1e-5, atol=1e-3)
    with pytest.raises(ValueError, match="smoothed"):
        AxisResample(smooth=True, mode="nearest")(image, image.affine * 2, (5, 5, 5))


def test_the_border_of_what_was_cut_out_is_made_of_it_alone():
    """A brain of one brightness keeps it up to its border; with the zeros beside it, the border would be a dark shell."""
    image = volume((12, 12, 8), np.diag([1, 1, 4, 1.0]))
    inside = torch.zeros(1, 12, 12, 8, dtype=bool)
    inside[:, 2:9, 3:10, 2:6] = True
    image = MetaTensor(torch.where(inside, 7.0, 0.0), affine=image.affine)
    plain, _ = resample(SpacingVolumed, image, (1.0, 1.0, 1.0))
    cut, back = resample(SpacingVolumed, image, (1.0, 1.0, 1.0), cut_out=True)
    assert 0 < plain[plain > 0].min() < 2
    assert cut[cut != 0].numpy() == pytest.approx(7)
    assert ((cut != 0) == (plain >= 3.5)).all()
    assert (cut != 0).sum() == 7 * 7 * 17  # 12 mm between the centres of its slices, and 2 beyond at either end
    assert back.shape == image.shape


def test_smoothing_is_a_gaussian_of_fine_axes_only():
    image = volume((40, 41, 42), np.diag([0.5, 2.0, 3.0, 1.0]))
    blurred = gaussian_filter1d(image.numpy()[0], 0.35 * 3, axis=0, truncate=3.0, mode="nearest")
    expected, _ = resample(Spacingd, MetaTensor(torch.from_numpy(blurred)[None], affine=image.affine), (2.0, 2.0, 2.0))
    there, back = resample(SpacingVolumed, image, (2.0, 2.0, 2.0), smooth=True)
    torch.testing.assert_close(there.as_tensor(), expected.as_tensor(), rtol=1e-5, atol=1e-3)
    expected = SpatialResample(mode="bilinear", padding_mode="border")(there, image.affine, image.shape[1:])
    torch.testing.assert_close(back.as_tensor(), expected.as_tensor(), rtol=1e-5, atol=1e-3)
    assert smoothing(np.array([4.0, 1.0, 2 / 3])).tolist() == pytest.approx([1.05, 0, 0])
