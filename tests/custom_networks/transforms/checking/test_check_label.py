import numpy as np
import pytest
from conftest import save_nifti
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from custom_networks import CheckLabeld, UserError


def check(folder, label, affine=None):
    image = save_nifti(folder / "image.nii.gz", np.random.rand(4, 5, 6).astype(np.float32))
    path = save_nifti(folder / "label.nii.gz", label, affine)
    keys = ["image", "label"]
    Compose([LoadImaged(keys), EnsureChannelFirstd(keys, channel_dim="no_channel"), CheckLabeld("label", "image", 2)])(
        {"image": image, "label": path}
    )


def cause(error) -> UserError:
    while not isinstance(error, UserError):
        error = error.__cause__
    return error


def test_a_fitting_label_passes(tmp_path):
    check(tmp_path, np.random.randint(0, 3, (4, 5, 6)).astype(np.uint8))


@pytest.mark.parametrize(
    ("label", "affine", "message"),
    [
        (np.full((4, 5, 6), 3, np.uint8), None, "values 3 are not labels from 0 to 2"),
        (np.full((4, 5, 6), 0.5, np.float32), None, r"values 0\.5 are not labels"),
        (np.full((4, 5, 6), -1, np.int16), None, "values -1 are not labels"),
        (np.zeros((4, 5, 7), np.uint8), None, r"shape \(4, 5, 7\), but .*image\.nii\.gz has \(4, 5, 6\)"),
        (np.zeros((4, 5, 6), np.uint8), np.diag([1.0, 1.0, 1.5, 1.0]), r"its affine differs by 0\.5 mm"),
    ],
    ids=["too large", "not whole", "negative", "other shape", "other affine"],
)
def test_misfits_are_named(tmp_path, label, affine, message):
    with pytest.raises(Exception) as caught:
        check(tmp_path, label, affine)
    assert "label.nii.gz" in str(cause(caught.value))
    with pytest.raises(UserError, match=message):
        raise cause(caught.value)
