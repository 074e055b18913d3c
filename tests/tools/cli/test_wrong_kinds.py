"""Images that a bundle is not for are refused or doubted, as the command tells its user."""

import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from PIL import Image
from scipy.ndimage import gaussian_filter
from small_data import CHEST, CORD, LESIONS, MUSCLES, SPINE

from tools.phantoms.brain import make_brain_phantom
from tools.phantoms.lumbar import make_lumbar_phantom
from tools.phantoms.spinal_cord import make_cord_phantom


def knee(path):
    """A radiograph of two bones that meet, with soft tissue around."""
    rows, columns = np.mgrid[:400, :320].astype(float)
    tissue = np.abs(columns - 160) < 95 + 15 * np.cos(rows / 60)
    bone = (np.abs(columns - 155) < 34 + 26 * np.exp(-(((rows - 200) / 45) ** 2))) & (np.abs(rows - 200) > 6)
    film = gaussian_filter(20.0 + 70 * tissue + 90 * bone, 2.5) + np.random.default_rng(0).normal(0, 4, rows.shape)
    Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(path.with_suffix(".png"))


def film(value, noise=0.0):
    def write(path):
        picture = value + np.random.default_rng(0).normal(0, noise, (300, 260))
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path.with_suffix(".png"))

    return write


def head(path):
    """Two slices of a brain, of MRI."""
    phantom = make_brain_phantom(np.random.default_rng(3))
    nibabel.save(nibabel.Nifti1Image(phantom.images["FLAIR"], phantom.affine).slicer[..., 30:32], path.with_suffix(".nii.gz"))


def cord(path):
    phantom = make_cord_phantom(np.random.default_rng(1), slices=2, field=(40.0, 40.0))
    nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), path.with_suffix(".nii.gz"))


def back(path):
    """The middle of a lumbar MRI."""
    phantom = make_lumbar_phantom(np.random.default_rng(0), slices=8)
    middle = [slice(size // 4, -size // 4) for size in phantom.image.shape[:2]]
    nibabel.save(nibabel.Nifti1Image(phantom.image[*middle], phantom.affine), path.with_suffix(".nii.gz"))


def noise(path):
    save_nifti(path.with_suffix(".nii.gz"), np.random.default_rng(0).normal(100, 5, (40, 40, 12)).astype(np.float32))


def zeros(path):
    save_nifti(path.with_suffix(".nii.gz"), np.zeros((40, 40, 12), np.float32))


@pytest.mark.parametrize(
    ("bundle", "write"),
    [
        (CHEST, knee), (CHEST, film(0)), (CHEST, film(120, 3.0)),
        (CORD, head), (CORD, noise), (CORD, zeros),
        (MUSCLES, head), (MUSCLES, cord), (MUSCLES, zeros),
        (SPINE, head), (SPINE, cord), (SPINE, noise), (SPINE, zeros),
        (LESIONS, back), (LESIONS, cord), (LESIONS, noise), (LESIONS, zeros),
    ],
    ids=lambda part: part.split("_")[0] if isinstance(part, str) else part.__name__,
)  # fmt: skip
def test_a_case_of_the_wrong_kind_is_refused_or_doubted(tools, tmp_path, bundle, write):
    write(tmp_path / "case")
    (image,) = tmp_path.glob("case.*")
    code, printed = tools("segment", bundle, image, "-o", tmp_path / "out", "--device", "cpu", "--json")
    (case,) = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])["cases"]
    if code == 1:
        assert image.name in case["error"]
        return
    assert code == 0 and any(warning.endswith("Look at this result.") for warning in case["warnings"]), case
    assert case["quality"] is None or case["quality"] < 0.6
