import numpy as np
import pytest

from tools.phantoms.spinal_cord import CONTRASTS, GRAY_MATTER, WHITE_MATTER, ellipse, make_cord_phantom


def phantom(seed: int = 0, **settings):
    return make_cord_phantom(np.random.default_rng(seed), **settings)


def test_ellipse_area():
    x, y = np.meshgrid(np.linspace(-5, 5, 1001), np.linspace(-5, 5, 1001), indexing="ij")
    area = ellipse(0.5, -0.5, 3, 1.5, 0.4)(x, y).sum() * 0.01**2
    assert area == pytest.approx(np.pi * 3 * 1.5, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_gray_matter_lies_inside_white_matter(seed):
    label = phantom(seed, field=(40, 40), spacing=(0.3, 0.3), slices=3).label
    for z in range(3):
        gray, cord = label[..., z] == GRAY_MATTER, label[..., z] > 0
        assert gray.any() and (label[..., z] == WHITE_MATTER).any()
        share = gray.sum() / cord.sum()
        assert 0.08 < share < 0.5
        border = cord & ~(np.roll(cord, 1, 0) & np.roll(cord, -1, 0) & np.roll(cord, 1, 1) & np.roll(cord, -1, 1))
        assert (gray & border).sum() < 0.1 * gray.sum()


def test_area_does_not_depend_on_the_spacing():
    areas = []
    for spacing in ((0.2, 0.2), (0.5, 0.5)):
        label = phantom(3, field=(60, 60), spacing=spacing, slices=1, contrast="mt").label
        areas.append((label > 0).sum() * spacing[0] * spacing[1])
    assert areas[0] == pytest.approx(areas[1], rel=0.05)


@pytest.mark.parametrize(("contrast", "brighter"), [("t2star", True), ("mt", True), ("t1", False)])
def test_contrast_between_the_tissues(contrast, brighter):
    differences = []
    for seed in range(6):
        p = phantom(seed, contrast=contrast, field=(40, 40), spacing=(0.3, 0.3), slices=2)
        differences.append(p.image[p.label == GRAY_MATTER].mean() - p.image[p.label == WHITE_MATTER].mean())
    assert (np.mean(differences) > 0) == brighter


def test_stated_spacing_field_and_slices():
    p = phantom(1, field=(80, 48), spacing=(0.5, 0.4), slices=6)
    assert p.image.shape == p.label.shape == (160, 120, 6)
    assert np.allclose(np.diag(p.affine)[:2], (0.5, 0.4))
    assert p.contrast in CONTRASTS


def test_the_cord_is_often_off_centre():
    shifts = []
    for seed in range(12):
        label = phantom(seed, field=(90, 90), spacing=(0.6, 0.6), slices=2).label
        shifts.append(np.linalg.norm(np.argwhere(label > 0).mean(axis=0)[:2] - np.array(label.shape[:2]) / 2) * 0.6)
    assert np.mean(np.array(shifts) > 5) > 0.5


@pytest.mark.parametrize(
    ("bundle", "kind", "said"),
    [
        ("chest", "mt", "bright, dark"),
        ("lesions", "t1", "healthy"),
        ("kidneys", "left", "Leave it out"),
        ("gray", "t9", "t2star, mt, t1"),
    ],
)
def test_a_kind_that_is_none_is_said(tools, tmp_path, bundle, kind, said):
    """It was without effect, without a word."""
    code, printed = tools("phantom", bundle, tmp_path / "set", "--kind", kind)
    assert code == 2 and kind in printed and said in printed and not (tmp_path / "set").exists(), printed
