"""Lesions lie where they are, whatever the order, direction and spacing of the axes. The network is an oracle."""

import itertools
import json
import logging

import nibabel
import numpy as np
import pytest
import torch
from conftest import FLIPS, LESIONS, ORDERS, infer_with, reorient, save_nifti
from dicom_files import write_slice

from tools.scoring.dice import dice

AFFINE = np.array([[1.0, 0, 0, -20], [0, 1.0, 0, 31], [0, 0, 1.0, -9], [0, 0, 0, 1]])


class Bright(torch.nn.Module):
    """An oracle: lesion is what is bright in the first channel where the second is not."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        bright = 6 * torch.minimum(window[:, :1] - 1.5, -window[:, 1:] - 0.5)
        return torch.cat([-bright, bright], 1)


def study() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """FLAIR, T1 and lesions in RAS: an L leaning over the slices and a small block. FLAIR's rim is bright too, T1's is not dark."""
    brain = np.zeros((44, 52, 30), bool)
    brain[4:40, 5:47, 3:27] = True
    lesion = np.zeros_like(brain)
    lesion[10:15, 12:34, 6:20] = True
    lesion[15:26, 12:16, 6:11] = True
    lesion[30:34, 38:41, 20:24] = True
    rim = brain.copy()
    rim[5:39, 6:46, 4:26] = False
    flair = np.where(brain, 100, 0) + 800 * (lesion | rim)
    return flair.astype(np.int16), np.where(brain, np.where(lesion, 100, 700), 0).astype(np.int16), lesion.astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    def infer(path, **settings):
        output = tmp_path_factory.mktemp("out")
        return infer_with(Bright(), LESIONS, path, output, **settings), json.loads(next(output.glob("*_seg.json")).read_text())

    return infer


def save_study(folder, flair, t1, affine):
    save_nifti(folder / "FLAIR.nii.gz", flair, affine)
    save_nifti(folder / "T1.nii.gz", t1, affine)
    return folder


@pytest.mark.parametrize(("order", "flips"), list(itertools.product(ORDERS, FLIPS)), ids=str)
def test_all_48_orientations(run, tmp_path, order, flips):
    flair, t1, lesion = study()
    (flair, affine), (t1, _), (expected, _) = (reorient(array, AFFINE, order, flips) for array in (flair, t1, lesion))
    mask, _ = run(save_study(tmp_path, flair, t1, affine))
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), expected)


def test_lesions_are_listed_with_place_and_volume(run, tmp_path):
    flair, t1, lesion = study()
    _, listed = run(save_study(tmp_path, flair, t1, AFFINE))
    large, small = listed["lesions"]
    assert (large["volume_mm3"], small["volume_mm3"]) == (lesion.sum() - 48.0, 48.0)
    np.testing.assert_allclose(small["centroid_mm"], [31.5 - 20, 39.0 + 31, 21.5 - 9], atol=0.01)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 3.0), (2.0, 0.8, 1.2)])
def test_other_spacings(run, tmp_path, spacing):
    """Arrays are the same, so their structures have other sizes in mm; nothing moves by half a voxel of the network's."""
    flair, t1, lesion = (np.kron(array, np.ones((2, 2, 2), array.dtype)) for array in study())
    affine = AFFINE @ np.diag([*spacing, 1])
    mask, _ = run(save_study(tmp_path, flair, t1, affine))
    found = np.asarray(mask.dataobj)
    assert found.shape == lesion.shape
    assert dice(found > 0, lesion > 0) > 0.93
    shift = np.argwhere(found[56:]).mean(0) - np.argwhere(lesion[56:]).mean(0)  # of the block
    assert np.abs(shift * spacing).max() < 0.5


def test_oblique_flair_with_t1_on_a_grid_of_its_own(run, tmp_path, caplog):
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    flair, t1, lesion = study()
    save_nifti(tmp_path / "FLAIR.nii.gz", flair, turn @ AFFINE)
    turned, affine = reorient(
        np.kron(t1, np.ones((2, 1, 1), t1.dtype)), turn @ AFFINE @ np.diag([0.5, 1, 1, 1]), (2, 0, 1), (1, -1, 1)
    )
    save_nifti(tmp_path / "T1.nii.gz", turned, affine)
    with caplog.at_level(logging.WARNING, logger="axial"):
        mask, _ = run(tmp_path)
    assert "resampled" in caplog.text
    np.testing.assert_allclose(mask.affine, turn @ AFFINE, atol=1e-5)
    assert dice(np.asarray(mask.dataobj) > 0, lesion > 0) > 0.93


def test_one_file_of_two_channels_as_monai_label_passes_it(run, tmp_path):
    flair, t1, lesion = study()
    mask, _ = run(save_nifti(tmp_path / "scan.nii.gz", np.stack([flair, t1], -1), AFFINE))
    np.testing.assert_array_equal(np.asarray(mask.dataobj), lesion)


def test_dicom_folders(run, tmp_path):
    flair, t1, lesion = study()
    for name, array in (("FLAIR", flair), ("T1", t1)):
        (tmp_path / "anna" / name).mkdir(parents=True)
        for z in range(array.shape[2]):
            tags = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1], "SliceThickness": 1}
            write_slice(tmp_path / "anna" / name / f"{z:03d}.dcm", (0, 0, z), array[:, :, z].T, z, **tags)
    mask, listed = run(tmp_path / "anna")
    assert listed["case"] == "anna"
    found = nibabel.as_closest_canonical(mask)
    np.testing.assert_array_equal(np.asarray(found.dataobj), lesion[::-1, ::-1])  # DICOM counts to the left and the back


def test_a_brain_of_nothing_but_zeros_has_no_lesion(run, tmp_path):
    zeros = np.zeros((20, 20, 20), np.int16)
    ones = np.ones_like(zeros)
    ones[0] = 0
    mask, listed = run(save_study(tmp_path, ones, zeros, AFFINE))
    assert not np.asarray(mask.dataobj).any() and listed["lesions"] == []


@pytest.mark.parametrize("name", ["anna_FLAIR.nii.gz", "scan.nii.gz"])
def test_flair_alone_gives_an_answer_and_says_that_it_is_less_sure(run, tmp_path, caplog, name):
    path = save_nifti(tmp_path / name, study()[0], AFFINE)
    with caplog.at_level(logging.WARNING, logger="axial"):
        mask, listed = run(path)
    assert "no T1 beside it" in caplog.text and "less certain" in caplog.text
    assert mask.shape == study()[0].shape and listed["count"] == 0  # the oracle wants a dark T1
