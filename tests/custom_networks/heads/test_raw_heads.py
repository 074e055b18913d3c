import logging

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage
from scipy.spatial.transform import Rotation

from custom_networks import LoadModalitiesd
from custom_networks.heads.bias import correct_bias
from custom_networks.heads.itk_images import is_rectangular
from custom_networks.heads.raw_heads import is_cut_out, without_dark_rim
from custom_networks.heads.registration import register_rigid
from tools.scoring.dice import dice

from .conftest import head

itk = pytest.importorskip("itk")
elastix = pytest.mark.skipif(not hasattr(itk, "ParameterObject"), reason="needs itk-elastix")


def moved(degrees: float = 6.0, shift=(4.0, -3.0, 5.0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [degrees, -degrees / 2, degrees], degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def test_a_head_with_skull_is_told_from_what_is_none(heads):
    image, brain = head()
    assert dice(heads.find_brain(image), brain) > 0.95
    stripped = MetaTensor(image.as_tensor() * torch.from_numpy(brain), affine=image.affine)
    assert heads.find_brain(stripped) is None
    assert is_cut_out(stripped[0].numpy()) and not is_cut_out(image[0].numpy())
    quiet = torch.where(image < 2, 0, image)[0].numpy()  # a scanner that sets half of the air to 0
    assert (quiet == 0).mean() > 0.1 and not is_cut_out(quiet)
    assert heads.find_brain(MetaTensor(torch.rand(1, 20, 20, 20), affine=np.eye(4))) is None  # far too small for a head
    broken = image.clone()
    broken[0, 3, 3, 3] = float("nan")
    assert heads.find_brain(broken) is None
    assert heads.find_brain(MetaTensor(torch.zeros(1, 9, 9, 9), affine=np.eye(4))) is None


def test_what_skull_stripping_left_over_makes_no_head(heads):
    image, _ = head(scalp=0.0)
    image = MetaTensor(torch.where(image > 20, image, 0).as_tensor(), affine=image.affine)
    image[0, :5, :30, :8] = 200  # 100 ml
    assert heads.find_brain(image) is None


def test_the_brain_is_cut_out_and_the_bias_field_taken_away(heads):
    image, brain = head()
    x = torch.linspace(-1, 1, image.shape[1])[None, :, None, None]
    stripped = heads.stripped(torch.cat([image * torch.exp(0.4 * x), torch.zeros_like(image)]).as_tensor(), brain, image.affine)
    assert not stripped[0][torch.from_numpy(~brain)].any() and not stripped[1].any()
    ratio = (stripped[0] / image[0].as_tensor())[torch.from_numpy(brain)]
    assert float(ratio.std() / ratio.mean()) < 0.06  # 0.19 before


def test_an_image_without_a_field_stays():
    image, brain = head(scalp=0.0)
    array = image[0].numpy()
    corrected = correct_bias(array, np.asarray(image.affine), brain)
    assert np.abs(corrected / np.maximum(array, 1) - 1)[brain].mean() < 0.08


def test_fluid_and_bone_around_the_brain_are_cut_off_and_ventricles_stay():
    """They set the scale of patient 01 of the raw heads: its brain was drawn with 17 % more, and had half of its contrast."""
    x, y, z = np.stack(np.meshgrid(*[np.arange(50.0) - 24.5] * 3, indexing="ij")) * 2
    radius = np.sqrt(x**2 + y**2 + z**2)
    values = np.where(radius < 22, 100.0, 20.0)
    values[radius < 6] = 10.0  # a ventricle
    spacing = np.full(3, 2.0)
    assert (without_dark_rim(radius < 27, values, spacing) == (radius < 22)).all()
    block = (x > 15) & (x < 44) & (abs(y) < 14) & (abs(z) < 14)
    core = (x > 26) & (x < 34) & (abs(y) < 4) & (abs(z) < 4)
    kept = without_dark_rim((radius < 22) | block, values, spacing)
    assert kept[core].all() and not kept[block & (x > 38)].any()  # nothing is cut off deeper than 8 mm
    marrow = (radius >= 26.5) & (radius < 28) & (z > 10)
    assert (without_dark_rim(radius < 28, np.where(marrow, 100.0, values), spacing) == (radius < 22)).all()  # behind the fluid
    nothing = np.zeros_like(values, bool)
    assert without_dark_rim(nothing, values, spacing) is nothing


@elastix
def test_a_rigid_motion_is_found_between_two_contrasts():
    fixed, _ = head()
    moving, _ = head((3.5, 4.0, 4.5), scalp=0.9, inside=0.6, seed=1)
    matrix = moved()
    affine = matrix @ np.asarray(moving.affine)
    found = register_rigid(fixed[0].numpy(), np.asarray(fixed.affine), moving[0].numpy(), affine)
    places = np.array([[50, 0, 0, 1], [-50, 20, 10, 1], [0, -60, 0, 1], [0, 60, -30, 1], [0, 0, 55, 1]]).T
    assert np.linalg.norm((found @ places - matrix @ places)[:3], axis=0).mean() < 1.0


@elastix
def test_a_study_with_skull_is_loaded_registered_and_stripped(heads, tmp_path, caplog):
    import nibabel

    flair, brain = head()
    t1, _ = head((3.5, 4.0, 4.5), scalp=0.9, inside=0.7, seed=1)
    nibabel.save(nibabel.Nifti1Image(flair[0].numpy(), flair.affine), tmp_path / "FLAIR.nii.gz")
    nibabel.save(nibabel.Nifti1Image(t1[0].numpy(), moved() @ np.asarray(t1.affine)), tmp_path / "T1.nii.gz")
    paths = {"image": [str(tmp_path / "FLAIR.nii.gz"), str(tmp_path / "T1.nii.gz")]}
    with caplog.at_level(logging.INFO, logger="axial"):
        image = LoadModalitiesd("image", ["FLAIR", "T1"], heads=heads)(paths)["image"]
    assert "a head with skull" in caplog.text and "registered; moved by" in caplog.text
    assert image.shape == (2, *brain.shape) and np.allclose(image.affine, flair.affine)
    assert dice(image[0].numpy() > 0, brain) > 0.95
    deep = ndimage.binary_erosion(brain, iterations=3)
    assert np.corrcoef(image[1].numpy()[deep], flair[0].numpy()[deep])[0, 1] > 0.8  # one texture


def test_without_elastix_the_header_counts(heads, monkeypatch, caplog):
    def refuse(*_):
        raise ImportError("itk-elastix is not installed")

    monkeypatch.setattr("custom_networks.heads.raw_heads.register_rigid", refuse)
    image, _ = head()
    with caplog.at_level(logging.WARNING, logger="axial"):
        assert heads.aligned(image, image, "T1.nii.gz") is image
    assert "T1.nii.gz: not registered (itk-elastix is not installed)" in caplog.text


def test_slanted_axes_are_not_registered(heads, caplog):
    image, _ = head()
    slanted = np.asarray(image.affine).copy()
    slanted[0, 2] = 1.0
    assert is_rectangular(np.asarray(image.affine)) and not is_rectangular(slanted)
    with caplog.at_level(logging.WARNING, logger="axial"):
        heads.aligned(MetaTensor(image.as_tensor(), affine=slanted), image, "T1.nii.gz")
    assert "not at right angles" in caplog.text
