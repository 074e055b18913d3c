import numpy as np
import pytest
import torch
from conftest import save_nifti

from custom_networks import RandLesionLoadd, load_lesion_maps, load_lesion_shapes
from custom_networks.errors import UserError
from custom_networks.transforms.augmentation import rand_lesion_load
from custom_networks.transforms.augmentation.rand_lesion_load import BRAIN

AFFINE = np.diag([-1.0, 1.0, 1.0, 1.0])  # LAS, as masks in the MNI space often are
AFFINE[:3, 3] = 90, -126, -72


def mask_of(low, high) -> np.ndarray:
    """Return a mask of the MNI grid with the box between two corners in mm."""
    mask = np.zeros((182, 218, 182), np.uint8)
    ends = np.linalg.inv(AFFINE) @ np.array([[*low, 1], [*high, 1]]).T
    first, last = np.sort(ends[:3], axis=1).T.astype(int)
    mask[tuple(slice(*side) for side in zip(first, last + 1, strict=True))] = 1
    return mask


@pytest.fixture
def maps(tmp_path):
    save_nifti(tmp_path / "a.nii.gz", mask_of((20, -60, 10), (40, -20, 30)), AFFINE)
    save_nifti(tmp_path / "empty.nii.gz", np.zeros((5, 5, 5), np.uint8), AFFINE)
    return load_lesion_maps(tmp_path)


@pytest.fixture
def exact(monkeypatch):
    """Neither shift nor scale, and the threshold at the border."""
    for name, value in {"SHIFT": 0.0, "SCALE": 0.0, "LEVELS": (0.5, 0.5)}.items():
        monkeypatch.setattr(rand_lesion_load, name, value)


def brain(spacing: float = 1.0) -> dict:
    """A brain of white matter alone that fills the box of `BRAIN`, with a border of air."""
    size = np.round((BRAIN[1] - BRAIN[0]) / spacing).astype(int) + 1
    mask = torch.zeros(1, *(size + 10), dtype=torch.uint8)
    mask[0, 5:-5, 5:-5, 5:-5] = 1
    image = torch.cat([0.1 * mask, mask]).float()
    return {"image": image, "label": torch.zeros_like(mask), "brain": mask}


def painted(maps, seed: int = 0, **changes) -> dict:
    data = {**brain(changes.pop("spacing", 1.0)), **changes}
    return RandLesionLoadd("image", "label", "brain", maps, prob=1.0).set_random_state(seed)(data)


def test_map_is_smoothed_mask_with_affine_of_its_box(maps):
    (only,) = maps
    assert only.share.shape == (29, 49, 29) and only.share.max() == pytest.approx(1, abs=1e-3)
    assert only.share.sum() == pytest.approx(21 * 41 * 21, rel=1e-3)
    np.testing.assert_array_equal(only.affine @ [4, 4, 4, 1], [40, -60, 10, 1])


@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_lesion_lies_at_its_place_on_one_side_or_the_other(maps, exact, spacing):
    sides = set()
    for seed in range(6):
        label = painted(maps, seed, spacing=spacing)["label"][0].numpy()
        low, high = (end(np.argwhere(label), axis=0) for end in (np.min, np.max))
        low, high = (BRAIN[0] + (corner - 5) * spacing for corner in (low, high))
        sides.add("right" if low[0] > 0 else "left")
        expected = ((20, 40) if low[0] > 0 else (-40, -20), (-60, -20), (10, 30))
        np.testing.assert_allclose(np.stack([low, high], 1), expected, atol=spacing)
    assert sides == {"right", "left"}


def test_lesion_is_bright_on_flair_dark_on_t1_and_smooth(maps):
    data, before = painted(maps), brain()
    difference = (data["image"] - before["image"])[:, data["label"][0] == 1]
    assert difference[0].min() > 0.2 and difference[1].max() < -0.1
    assert difference[0].std() > 0.01


def test_only_white_matter_without_label_gets_lesions(maps):
    before = brain()
    before["image"][1, :, :60] = -1.0  # gray
    before["label"][0, 100:110, 60:70, 60:80] = 2
    data = painted(maps, image=before["image"], label=before["label"])
    new = data["label"][0] == 1
    assert new.any() and not new[:, :59].any()
    assert (data["label"][0, 100:110, 60:70, 60:80] == 2).all()


def test_map_that_lies_elsewhere_gives_no_lesions(maps):
    (only,) = maps
    for shift in (500.0, -500.0):
        far = only._replace(affine=only.affine + np.array([[0, 0, 0, shift]] * 3 + [[0] * 4]))
        assert painted([far])["label"].sum() == 0


def test_place_and_size_vary(maps):
    volumes = [int((painted(maps, seed)["label"] == 1).sum()) for seed in range(6)]
    assert len(set(volumes)) == 6 and min(volumes) / (21 * 41 * 21) > 0.6 and max(volumes) / (21 * 41 * 21) < 1.5


def test_without_maps_or_white_matter_nothing_happens(maps, tmp_path, caplog):
    before = brain()
    assert load_lesion_maps(tmp_path / "nowhere") == []
    assert "nowhere: no masks of lesions there, so training paints none" in caplog.text
    assert torch.equal(painted([])["image"], before["image"])
    before["image"][1] = -1.0
    assert painted(maps, image=before["image"])["label"].sum() == 0


def test_masks_may_be_unpacked_but_a_folder_without_any_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no masks of lesions"):
        load_lesion_maps(tmp_path)
    save_nifti(tmp_path / "patient01.nii", np.ones((5, 5, 5), np.uint8), AFFINE)
    assert len(load_lesion_maps(tmp_path)) == len(load_lesion_shapes(tmp_path)) == 1
