"""Vertebrae lie where they are, whatever the order, direction and spacing of the axes. The network is an oracle."""

import itertools
import json

import nibabel
import numpy as np
import pytest
from conftest import FLIPS, ORDERS, VERTEBRAE, reorient, save_nifti
from oracles import Oracle, encode
from scipy.ndimage import zoom

from tools.bundles import Bundle
from tools.demo import dice
from tools.phantoms.spine import make_spine_labels
from tools.phantoms.spine_anatomy import Person
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

    def infer(path, labels):
        output = tmp_path_factory.mktemp("out")
        with Bundle(VERTEBRAE).parser("inference.json", input=str(path), output_dir=str(output)) as parser:
            parser["handlers"] = []
            parser["network"] = Oracle(labels)
            results = parser.get_parsed_content("evaluator").run()
        assert [result.error for result in results] == [None]
        return nibabel.load(next(output.glob("*_seg.nii.gz"))), json.loads(next(output.glob("*_seg.json")).read_text())

    return infer


def to_hu(labels: np.ndarray) -> np.ndarray:
    return np.round(encode(labels)[0, 0].numpy() * 1000).astype(np.int16)


@pytest.mark.parametrize(("order", "flips"), list(itertools.product(ORDERS, FLIPS)), ids=str)
def test_all_48_orientations(run, spine, tmp_path, order, flips):
    array, affine = reorient(to_hu(spine), AFFINE, order, flips)
    expected, _ = reorient(spine, AFFINE, order, flips)
    mask, content = run(save_nifti(tmp_path / "scan.nii.gz", array, affine), spine)
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj), expected)
    for row in content["vertebrae"]:
        points = np.argwhere(spine == row["label"])
        np.testing.assert_allclose(row["centroid_mm"], AFFINE[:3, :3] @ points.mean(0) + AFFINE[:3, 3], atol=0.02)
        assert row["volume_mm3"] == len(points) * 8


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.0), (1.0, 1.0, 4.0)], ids=str)
def test_any_spacing(run, spine, tmp_path, spacing):
    """One vertebra: between two coded ones, interpolated intensities would stand for others."""
    labels = zoom(spine, 2 / np.array(spacing), order=0, grid_mode=True, mode="nearest")
    shape = np.array(labels.shape)
    affine = np.diag([*(np.array(spine.shape) * 2 / shape), 1.0])
    affine[:3, 3] = AFFINE[:3, 3] + np.diag(affine)[:3] / 2 - 1
    one = np.where(labels == 21, 21, 0).astype(np.uint8)
    mask, content = run(save_nifti(tmp_path / "scan.nii.gz", to_hu(one), affine), np.where(spine == 21, 21, 0))
    result = np.asarray(mask.dataobj) > 0
    assert len(content["vertebrae"]) == 1
    assert dice(result, one == 21) > 0.93
    shift = np.diag(affine)[:3] * (np.argwhere(result).mean(0) - np.argwhere(one).mean(0))
    assert np.abs(shift).max() < 0.4
