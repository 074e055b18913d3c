import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom_networks import CheckVolumed, UserError


def image(shape=(1, 8, 9, 3), affine=None, fill=None) -> MetaTensor:
    values = torch.rand(shape) if fill is None else torch.full(shape, fill)
    return MetaTensor(
        values, affine=torch.eye(4) if affine is None else torch.as_tensor(affine), meta={"filename_or_obj": "scan.nii.gz"}
    )


def check(volume: MetaTensor) -> None:
    CheckVolumed("image")({"image": volume})


def test_a_volume_and_a_slice_pass():
    check(image())
    check(image((1, 8, 9)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers(value):
    volume = image()
    volume[0, 2, 3, 1] = value
    with pytest.raises(UserError, match=r"scan\.nii\.gz: 1 values are NaN or infinite"):
        check(volume)


@pytest.mark.parametrize("value", [3e38, -3e38, 1e30, -2e12])
def test_values_whose_squares_are_no_numbers_are_refused(value):
    volume = image()
    volume[0, 2, 3, 1] = value
    with pytest.raises(UserError, match=r"scan\.nii\.gz: values up to .*, which no scanner gives"):
        check(volume)
    volume[0, 2, 3, 1] = 1e9
    check(volume)


def test_four_axes_are_refused():
    with pytest.raises(UserError, match=r"an image of 4 axes \(8x9x3x2\)"):
        check(image((1, 8, 9, 3, 2)))


def test_colour_is_refused():
    with pytest.raises(UserError, match="3 channels, expected 1"):
        check(image((3, 8, 9)))


def test_a_constant_image_is_refused():
    with pytest.raises(UserError, match=r"same value \(7\)"):
        check(image(fill=7.0))


def test_a_single_row_is_refused():
    with pytest.raises(UserError, match="too small"):
        check(image((1, 1, 9, 3)))


def test_a_singular_affine_is_refused():
    with pytest.raises(UserError, match="affine is singular"):
        check(image(affine=np.diag([1.0, 0.0, 1.0, 1.0])))


def test_an_implausible_spacing_is_refused():
    with pytest.raises(UserError, match="implausible spacing of 1 x 1 x 500 mm"):
        check(image(affine=np.diag([1.0, 1.0, 500.0, 1.0])))
