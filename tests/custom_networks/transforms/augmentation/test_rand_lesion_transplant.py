import numpy as np
import torch
from conftest import save_nifti

from custom_networks import RandLesionTransplantd, load_lesion_shapes

BALL = np.linalg.norm(np.indices((7, 7, 7)) - 3, axis=0) <= 3


def patch() -> dict:
    """White matter in the first half, gray in the second, nothing in a corner."""
    image = torch.zeros(2, 32, 32, 32)
    image[0], image[1] = 0.0, torch.where(torch.arange(32).view(-1, 1, 1) < 16, 1.0, -0.5)
    image[0] += 0.05
    image[:, :4, :4, :4] = 0
    return {"image": image, "label": torch.zeros(1, 32, 32, 32, dtype=torch.uint8)}


def test_lesions_lie_in_white_matter_and_are_bright_on_flair_and_dark_on_t1():
    found = 0
    for seed in range(10):
        data = RandLesionTransplantd("image", "label", [BALL], prob=1.0).set_random_state(seed)(patch())
        lesion = data["label"][0] == 1
        if not lesion.any():
            continue
        found += 1
        before = patch()["image"]
        assert torch.all(before[1][lesion] > 0.3)
        assert (data["image"] - before)[0][lesion].min() > 0.1 and (data["image"] - before)[1][lesion].max() < -0.05
        assert torch.all(data["image"][:, :4, :4, :4] == 0)
    assert found >= 8


def test_own_lesions_give_the_contrast():
    data = patch()
    data["label"][0, 8:12, 8:12, 8:12] = 1
    data["image"][0, 8:12, 8:12, 8:12] = 4.05
    data["image"][1, 8:12, 8:12, 8:12] = 1.0
    transform = RandLesionTransplantd("image", "label", [BALL], prob=1.0, most=1).set_random_state(0)
    painted = transform(data)
    new = (painted["label"][0] == 1) & (patch()["image"][1] == 1)
    new[8:12, 8:12, 8:12] = False
    difference = (painted["image"] - patch()["image"])[:, new]
    assert 1.0 < difference[0].mean() < 5.3 and abs(float(difference[1].mean())) < 1e-4


def drawn_volumes(shapes, power: float) -> list[int]:
    transform = RandLesionTransplantd("image", "label", shapes, prob=1.0, most=1, size_power=power).set_random_state(0)
    return [int(transform(patch())["label"].sum()) for _ in range(60)]


def test_large_shapes_are_drawn_more_often():
    small = [np.ones((2, 2, 2), bool)] * 9
    alike, by_size = (np.array(drawn_volumes([*small, BALL], power)) for power in (0.0, 1.0))
    assert np.mean(alike > 30) < 0.2  # one shape of ten
    assert 0.5 < np.mean(by_size > 30) < 0.75  # 123 voxels of 195


def test_shapes_larger_than_the_patch_are_cut():
    volumes = drawn_volumes([np.ones((40, 40, 12), bool)], 0.5)
    data = patch()
    white = int((data["image"][1] > 0.3).sum())
    assert max(volumes) > 0 and max(volumes) <= white


def test_without_shapes_or_white_matter_nothing_happens():
    data = patch()
    same = RandLesionTransplantd("image", "label", [], prob=1.0)(data)
    assert torch.equal(same["image"], data["image"])
    data["image"][1] = -1.0
    assert RandLesionTransplantd("image", "label", [BALL], prob=1.0)(data)["label"].sum() == 0


def test_shapes_are_components_of_masks(tmp_path):
    mask = np.zeros((10, 10, 10), np.uint8)
    mask[1:3, 1:3, 1:3], mask[6, 6, 2:9], mask[9, 9, 9] = 1, 1, 1
    save_nifti(tmp_path / "a.nii.gz", mask)
    assert sorted(shape.shape for shape in load_lesion_shapes(tmp_path)) == [(1, 1, 7), (2, 2, 2)]
    assert load_lesion_shapes(tmp_path / "nowhere") == []
