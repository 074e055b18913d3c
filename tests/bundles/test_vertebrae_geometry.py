"""Vertebrae lie where they are, whatever the order, direction and spacing of the axes. The network is an oracle."""

import itertools
import json

import numpy as np
import pytest
import torch
from conftest import FLIPS, ORDERS, VERTEBRAE, infer_with, reorient, save_nifti
from oracles import Oracle, encode

from tools.phantoms.spine import make_spine_labels
from tools.phantoms.spine_anatomy import Person
from tools.scoring.dice import dice
from tools.synthesis import codes
from tools.synthesis.scanner import pool_instances

AFFINE = np.array([[2.0, 0, 0, -80], [0, 2.0, 0, 31], [0, 0, 2.0, -240], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def spine() -> np.ndarray:
    """Four vertebrae, T12 to L3, of a scoliotic person, at 2 mm."""
    labels = make_spine_labels(np.random.default_rng(3), "abdomen", Person(scoliosis=12.0, phase=0.5))
    labels = pool_instances(labels, 2, codes.VERTEBRAE)
    labels = np.where(np.isin(labels, (19, 20, 21, 22)), labels, 0).astype(np.uint8)
    heights = np.flatnonzero(labels.any(axis=(0, 1)))
    return labels[..., heights[0] - 6 : heights[-1] + 9]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the shipped inference.json with the oracle in place of the network; return mask and JSON."""

    def infer(path, network):
        output = tmp_path_factory.mktemp("out")
        return infer_with(network, VERTEBRAE, path, output), json.loads(next(output.glob("*_seg.json")).read_text())

    return infer


class Bright(torch.nn.Module):
    """An oracle for one vertebra: the brighter a voxel, the surer."""

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        output = torch.full((1, 3, *patch.shape[2:]), 10.0)
        output[0, 0] = torch.where(patch[0, 1] > 0.5, -10.0, 12 * (patch[0, 0] - (encode(np.array(21)).item() - 0.05) / 2))
        return output


def to_hu(labels: np.ndarray) -> np.ndarray:
    return np.round(encode(labels)[0, 0].numpy() * 1000).astype(np.int16)


@pytest.mark.parametrize(("order", "flips"), list(itertools.product(ORDERS, FLIPS)), ids=str)
def test_all_48_orientations(run, spine, tmp_path, order, flips):
    array, affine = reorient(to_hu(spine), AFFINE, order, flips)
    expected, _ = reorient(spine, AFFINE, order, flips)
    mask, content = run(save_nifti(tmp_path / "scan.nii.gz", array, affine), Oracle(spine))
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj), expected)
    for row in content["vertebrae"]:
        points = np.argwhere(spine == row["label"])
        np.testing.assert_allclose(row["centroid_mm"], AFFINE[:3, :3] @ points.mean(0) + AFFINE[:3, 3], atol=0.02)
        assert row["volume_mm3"] == len(points) * 8


def turned(angle: float) -> np.ndarray:
    affine = np.diag([0.9, 0.9, 1.5, 1.0])
    affine[1:3, 1:3] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([0.9, 1.5])
    affine[:3, 3] = [-40, 12, 300]
    return affine


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 1, 1, 1]),
        np.diag([0.8, 0.8, 2, 1]),
        np.diag([-0.7, 0.9, 1.3, 1]),
        np.diag([1.0, 1, 4, 1]),
        turned(0.2),
        turned(-0.35),
    ],
    ids=["1 mm", "finer across", "flipped", "thick slices", "oblique", "oblique the other way"],
)
def test_a_ball_stays_in_its_place_on_any_grid(run, tmp_path, affine):
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    shape = np.round(np.array([120, 130, 140]) / spacing).astype(int)
    points = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = points @ affine[:3, :3].T + affine[:3, 3]
    centre = (shape / 2 - [1.3, 0.4, 0.7]) @ affine[:3, :3].T + affine[:3, 3]
    ball = np.linalg.norm(world - centre, axis=-1) < 25
    mask, content = run(save_nifti(tmp_path / "scan.nii.gz", to_hu(np.where(ball, 21, 0)), affine), Bright())
    result = np.asarray(mask.dataobj) > 0
    assert dice(result, ball) > 0.98
    np.testing.assert_allclose(content["vertebrae"][0]["centroid_mm"], world[ball].mean(0), atol=0.15)
    np.testing.assert_allclose(mask.affine, affine, atol=1e-4)
