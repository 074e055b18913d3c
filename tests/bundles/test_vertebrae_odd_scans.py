"""The shipped weights on scans that are not as usual: right, or nothing, or a clear error; never endless, never invented."""

import json
import logging

import nibabel
import numpy as np
import pytest
from conftest import VERTEBRAE, save_nifti
from rich.console import Console

from custom_networks.metrics.vertebra_scores import match_vertebrae
from tools.bundles import Bundle
from tools.phantoms.spine import make_spine_phantom
from tools.phantoms.spine_anatomy import Person
from tools.results.segmenting import segment_cases

QUIET = Console(quiet=True)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def run(path, output) -> tuple[np.ndarray, list[dict]]:
    """Segment one scan; return mask and vertebrae."""
    results = segment_cases(Bundle(VERTEBRAE), [path], output, False, {}, QUIET, QUIET)
    assert [result.error for result in results] == [None]
    name = path.name.removesuffix(".nii.gz")
    assert (output / f"{name}_overlay.png").exists()
    mask = np.asarray(nibabel.load(output / f"{name}_seg.nii.gz").dataobj)
    return mask, json.loads((output / f"{name}_seg.json").read_text())["vertebrae"]


def save(path, phantom):
    save_nifti(path, phantom.image, phantom.affine)
    return path


def test_air_with_noise_holds_nothing(tmp_path):
    air = np.random.default_rng(0).normal(-1000, 20, (70, 80, 90)).astype(np.int16)
    mask, found = run(save_nifti(tmp_path / "air.nii.gz", air, AFFINE), tmp_path / "out")
    assert not mask.any() and found == []


def test_soft_tissue_without_bone_holds_nothing(tmp_path):
    tissue = np.random.default_rng(0).normal(40, 20, (70, 80, 90)).astype(np.int16)
    mask, found = run(save_nifti(tmp_path / "tissue.nii.gz", tissue, AFFINE), tmp_path / "out")
    assert not mask.any() and found == []


def test_empty_scan_is_an_error(tmp_path):
    path = save_nifti(tmp_path / "empty.nii.gz", np.zeros((20, 20, 20), np.int16), AFFINE)
    results = segment_cases(Bundle(VERTEBRAE), [path], tmp_path / "out", False, {}, QUIET, QUIET)
    assert "every pixel has the same value" in results[0].error and "empty.nii.gz" in results[0].error


def test_one_slice_ends(tmp_path):
    phantom = make_spine_phantom(np.random.default_rng(1), "abdomen", Person())
    slice_ = phantom.image[..., phantom.image.shape[2] // 2]
    mask, _ = run(save_nifti(tmp_path / "slice.nii.gz", slice_, AFFINE), tmp_path / "out")
    assert mask.shape == slice_.shape


def test_upside_down_in_the_file_is_the_same(tmp_path):
    phantom = make_spine_phantom(np.random.default_rng(2), "abdomen", Person())
    upright, found = run(save(tmp_path / "up.nii.gz", phantom), tmp_path / "out")
    flipped = nibabel.Nifti1Image(phantom.image, phantom.affine).as_reoriented(np.array([[0, -1], [1, 1], [2, -1]]))
    nibabel.save(flipped, tmp_path / "down.nii.gz")
    turned, also = run(tmp_path / "down.nii.gz", tmp_path / "out")
    assert upright.any() and np.array_equal(turned[::-1, :, ::-1], upright)
    assert [row["label"] for row in also] == [row["label"] for row in found]


@pytest.mark.parametrize("seed", [13, pytest.param(5, marks=pytest.mark.exhaustive)])
def test_whole_body_has_24_vertebrae_and_no_false_one(tmp_path, caplog, seed):
    """Nothing in the head, in hips or legs, and every number right."""
    phantom = make_spine_phantom(np.random.default_rng(seed), "body", Person())
    with caplog.at_level(logging.WARNING, "axial"):
        mask, found = run(save(tmp_path / "body.nii.gz", phantom), tmp_path / "out")
    assert "stopped after" not in caplog.text
    matches = match_vertebrae(mask, phantom.label, (2.0, 2.0, 2.0))
    assert [match.truth for match in matches] == list(range(1, 25))
    assert [match.predicted for match in matches] == list(range(1, 25))
    assert {row["label"] for row in found} - {26} == set(range(1, 25))


def test_hip_implant_is_no_vertebra(tmp_path):
    phantom = make_spine_phantom(np.random.default_rng(6), "abdomen", Person(hip_implant=True), field=(220.0, 160.0))
    mask, found = run(save(tmp_path / "implant.nii.gz", phantom), tmp_path / "out")
    metal = phantom.image > 2000
    assert metal.any() and not mask[metal].any()
    assert len(found) >= 4


IN_TWO = pytest.mark.xfail(strict=False, reason="a neighbour gets a part of the vertebra, and its rest is another one")


@pytest.mark.parametrize("seed", [8, 9, pytest.param(7, marks=IN_TWO)])
def test_scan_of_one_vertebra(tmp_path, seed):
    phantom = make_spine_phantom(np.random.default_rng(seed), "abdomen", Person())
    points = np.argwhere(phantom.label == 22)
    box = tuple(slice(max(0, a - 6), b + 7) for a, b in zip(points.min(0), points.max(0), strict=True))
    mask, found = run(save_nifti(tmp_path / "one.nii.gz", phantom.image[box], phantom.affine), tmp_path / "out")
    truth = phantom.label[box] == 22
    largest = max(np.unique(mask[mask > 0]), key=lambda n: np.count_nonzero(mask == n), default=0)
    assert 2 * np.count_nonzero((mask == largest) & truth) / (np.count_nonzero(mask == largest) + truth.sum()) > 0.95
    assert len(found) <= 3  # the box holds processes of both neighbours


@pytest.mark.parametrize("shape", [(9, 9, 9), (30, 8, 200)])
def test_tiny_scans_end(tmp_path, shape):
    noise = np.random.default_rng(0).normal(300, 200, shape).astype(np.int16)
    mask, _ = run(save_nifti(tmp_path / "tiny.nii.gz", noise, AFFINE), tmp_path / "out")
    assert mask.shape == shape
