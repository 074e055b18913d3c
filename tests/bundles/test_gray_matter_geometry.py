"""The mask lies where the structure is, whatever the order and direction of the axes. The network is an oracle."""

import itertools

import nibabel
import numpy as np
import pytest
import torch
from conftest import FLIPS, GRAY_MATTER, ORDERS, infer_with, reorient, save_nifti

from tools.scoring.dice import dice


class Bright(torch.nn.Module):
    """An oracle: the structure is what is brighter than the middle of the window's range."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        return 10 * (window - (window.max() + window.min()) / 2)


def asymmetric_cord() -> tuple[np.ndarray, np.ndarray]:
    """An image in RAS and its structure: an L of different lengths that leans over the slices; nothing is symmetric."""
    structure = np.zeros((44, 52, 7), bool)
    for z in range(7):
        structure[18 + z : 21 + z, 20:32, z] = True
        structure[18 + z : 27 + z, 20:23, z] = True
    return np.where(structure, 500, 100).astype(np.int16), structure


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the shipped inference.json with the oracle in place of the network, without the search; return the mask."""

    def infer(path):
        return infer_with(Bright(), GRAY_MATTER, path, tmp_path_factory.mktemp("out"), reach=100.0, search=None)

    return infer


AFFINE = np.array([[0.5, 0, 0, -11], [0, 0.4, 0, 7], [0, 0, 4, -30], [0, 0, 0, 1.0]])


@pytest.mark.parametrize(("order", "flips"), list(itertools.product(ORDERS, FLIPS)), ids=str)
def test_all_48_orientations(run, tmp_path, order, flips):
    image, structure = asymmetric_cord()
    array, affine = reorient(image, AFFINE, order, flips)
    expected, _ = reorient(structure.astype(np.uint8), AFFINE, order, flips)
    mask = run(save_nifti(tmp_path / "scan.nii.gz", array, affine))
    assert mask.shape == array.shape
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj), expected)


def assert_same_place(mask: np.ndarray, structure: np.ndarray) -> None:
    """Resampling may touch single pixels of the border, but moves nothing by a fifth of a pixel."""
    mask = mask.astype(bool)
    assert dice(mask, structure) > 0.97
    shift = np.argwhere(mask).mean(axis=0) - np.argwhere(structure).mean(axis=0)
    assert np.abs(shift).max() < 0.2


@pytest.mark.parametrize("angle", [0.2, -0.4])
def test_oblique_affine_is_kept(run, tmp_path, angle):
    image, structure = asymmetric_cord()
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ AFFINE
    mask = run(save_nifti(tmp_path / "scan.nii.gz", image, affine))
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert_same_place(np.asarray(mask.dataobj), structure)


@pytest.mark.parametrize("axis_kept", [True, False], ids=["single-slice volume", "2D slice"])
def test_one_slice(run, tmp_path, axis_kept):
    image, structure = asymmetric_cord()
    image, structure = (array[..., 2:3] if axis_kept else array[..., 2] for array in (image, structure))
    mask = run(save_nifti(tmp_path / "slice.nii.gz", image, AFFINE))
    assert mask.shape == image.shape
    np.testing.assert_allclose(mask.affine, AFFINE, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj), structure)


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (1.0, 1.0), (0.3, 0.9), (0.25, 0.25)])
def test_any_spacing(run, tmp_path, spacing):
    image, structure = asymmetric_cord()
    mask = run(save_nifti(tmp_path / "scan.nii.gz", image, np.diag([*spacing, 5.0, 1.0])))
    assert_same_place(np.asarray(mask.dataobj), structure)


def test_codes_of_the_header_are_kept(run, tmp_path):
    image, _ = asymmetric_cord()
    nifti = nibabel.Nifti1Image(image, AFFINE)
    nifti.set_sform(AFFINE, code=4)
    nifti.set_qform(AFFINE, code=1)
    nibabel.save(nifti, tmp_path / "scan.nii.gz")
    header = run(tmp_path / "scan.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (4, 1)
