"""From the network's grid to the file's."""

import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import affine_transform

from custom_networks.transforms.saving.restore_instances import RestoreInstancesd, interpolate_axes
from custom_networks.transforms.saving.save_vertebrae import SaveVertebraed, describe_vertebrae

COARSE = np.diag([2.0, 2.0, 2.0, 1.0])


def image(affine: np.ndarray, shape, original: np.ndarray, original_shape) -> MetaTensor:
    meta = {"original_affine": original, "spatial_shape": np.array(original_shape), "filename_or_obj": "scan.nii.gz"}
    return MetaTensor(torch.zeros(1, *shape), affine=torch.from_numpy(affine), meta=meta)


def two_balls(shape, affine, soft: float) -> torch.Tensor:
    """Two balls of 14 mm radius around points in mm, 20 and 21, with probabilities that fall over ``soft`` mm."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    distance = np.stack([np.linalg.norm(grid - centre, axis=-1) for centre in ((30, 26, 62), (34, 26, 28))])
    nearest = distance.argmin(0)
    probability = 1 / (1 + np.exp((distance.min(0) - 14) / soft))
    owner = np.where(probability > 0.02, 20 + nearest, 0)
    return torch.from_numpy(np.stack([owner, np.where(owner > 0, probability, 0)]).astype(np.float32))


def truth(shape, affine) -> np.ndarray:
    pred = two_balls(shape, affine, 0.5).numpy()
    return np.where(pred[1] >= 0.5, pred[0], 0)


def restore(original, original_shape, pred_shape=(32, 28, 48)) -> MetaTensor:
    data = {"image": image(COARSE, pred_shape, original, original_shape), "pred": MetaTensor(two_balls(pred_shape, COARSE, 1.5))}
    data["pred"].meta["vertebrae"] = json.dumps([
        {"number": n, "probability": 0.8, "complete": True, "completeness": 0.9, "estimate": 20.4, "steps": 3} for n in (21, 20)
    ])  # fmt: skip
    return RestoreInstancesd("pred", "image")(data)["pred"]


def turned(angle: float) -> np.ndarray:
    affine = np.diag([1.1, 0.9, 1.6, 1.0])
    affine[:2, :2] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1.1, 0.9])
    affine[:3, 3] = [6, -4, 3]
    return affine


GRIDS = {
    "the same": (COARSE, (32, 28, 48)),
    "finer": (np.diag([0.7, 0.7, 1.0, 1.0]), (90, 78, 95)),
    "thick slices": (np.diag([0.8, 0.8, 5.0, 1.0]), (80, 70, 19)),
    "flipped": (np.array([[-1.0, 0, 0, 62], [0, -1, 0, 54], [0, 0, 2, 0], [0, 0, 0, 1]]), (63, 55, 48)),
    "permuted": (np.array([[0, 0, 1.5, 0], [1.5, 0, 0, 0], [0, -1.5, 0, 94.5], [0, 0, 0, 1]]), (36, 64, 42)),
    "oblique": (turned(0.3), (60, 70, 60)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_balls_lie_where_they_lay(name):
    affine, shape = GRIDS[name]
    result = restore(affine, shape)
    expected = truth(shape, affine)
    assert result.shape == (1, *shape) and result.dtype == torch.uint8
    np.testing.assert_allclose(result.affine, affine)
    for number in (20, 21):
        mask, ball = result[0].numpy() == number, expected == number
        assert 2 * (mask & ball).sum() / (mask.sum() + ball.sum()) > 0.97
        shift = affine[:3, :3] @ (np.argwhere(mask).mean(0) - np.argwhere(ball).mean(0))
        assert np.abs(shift).max() < 0.25


def test_borders_are_smoother_than_the_coarse_grid():
    """Interpolated probabilities come nearer to the ball than voxels of 2 mm blown up."""
    affine, shape = GRIDS["finer"]
    result, expected = restore(affine, shape)[0].numpy(), truth(shape, affine)
    index = np.round(
        np.stack(np.meshgrid(*[np.arange(n) * s / 2 for n, s in zip(shape, (0.7, 0.7, 1.0), strict=True)], indexing="ij"))
    ).astype(int)
    index = np.minimum(index, np.array([31, 27, 47])[:, None, None, None])
    blocky = truth((32, 28, 48), COARSE)[tuple(index)]
    assert np.count_nonzero(result != expected) < 0.6 * np.count_nonzero(blocky != expected)


@pytest.mark.parametrize("scales", [(0.35, 0.5, 1.7), (-0.35, 0.5, -1), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("starts", [(-3.0, 0.2, 0.5), (6.9, -9, 12), (0, 0, 0)], ids=str)
@pytest.mark.parametrize("shape", [(8, 5, 9), (1, 5, 2)], ids=str)
def test_interpolation_along_axes_is_that_of_scipy(scales, starts, shape):
    """Up to the border and beyond, backwards too."""
    array = np.random.default_rng(0).random(shape, np.float32)
    expected = affine_transform(array, np.diag(scales), starts, (20, 12, 7), np.float32, order=1, mode="nearest", prefilter=False)
    found = interpolate_axes(array, (20, 12, 7), scales, starts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_nothing_found_is_an_empty_label_map():
    affine, shape = GRIDS["finer"]
    data = {"image": image(COARSE, (32, 28, 48), affine, shape), "pred": MetaTensor(torch.zeros(2, 32, 28, 48))}
    assert not RestoreInstancesd("pred", "image")(data)["pred"].any()


def test_measures_of_the_restored():
    affine, shape = GRIDS["oblique"]
    rows = describe_vertebrae(restore(affine, shape))
    assert [row["name"] for row in rows] == ["L1", "L2"]
    for row, centre in zip(rows, ((30, 26, 62), (34, 26, 28)), strict=True):
        assert row["volume_mm3"] == pytest.approx(4 / 3 * np.pi * 14**3, rel=0.03)
        np.testing.assert_allclose(row["centroid_mm"], centre, atol=0.3)
        assert row["steps"] == 3 and row["complete"] and row["completeness"] == 0.9 and row["estimated_label"] == 20.4
        assert row["label_probability"] == 0.8


def test_json_beside_the_mask(tmp_path):
    SaveVertebraed("pred", tmp_path)({"pred": restore(*GRIDS["finer"])})
    content = json.loads((tmp_path / "scan_seg.json").read_text())
    assert content["case"] == "scan" and [row["label"] for row in content["vertebrae"]] == [20, 21]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan_centroids.mrk.json", "scan_ctd.json", "scan_seg.json"]
