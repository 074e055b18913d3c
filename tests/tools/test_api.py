"""``import axial``: scans in, objects out, and nothing else changed."""

import os
import random
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from conftest import DIGITS
from dicom_files import write_slice
from PIL import Image
from sklearn.datasets import load_digits

import axial
import tools
from tools.phantoms.spinal_cord import make_cord_phantom

THRESHOLD = 0.6  # the cord bundle's own
COLUMNS = ["case", "structure", "measure", "slice", "value", "unit"]


@pytest.fixture(scope="module")
def cord() -> nibabel.Nifti1Image:
    """A small phantom, stored with other axes than RAS."""
    phantom = make_cord_phantom(np.random.default_rng(1), slices=2, field=(40.0, 40.0))
    image = nibabel.Nifti1Image(phantom.image, phantom.affine)
    return image.as_reoriented(np.array([[1, -1], [0, 1], [2, 1]], float))


@pytest.fixture(scope="module")
def model() -> axial.Model:
    return axial.load("spinal_cord", device="cpu", bfloat16=False)


@pytest.fixture(scope="module")
def result(model, cord) -> axial.Result:
    return model.segment(cord)


def write_digit(path: Path, index: int) -> Path:
    Image.fromarray((load_digits().images[index] * 15).astype(np.uint8)).save(path)
    return path


def test_axial_is_the_package_tools_with_its_exports():
    assert axial is tools and axial.UserError.__name__ == "UserError"
    assert {"Model", "Result", "UserError", "list_bundles", "load", "segment"} <= set(dir(axial))
    assert len(axial.list_bundles()) == 6


def test_mask_lies_on_the_scans_own_grid(result, cord):
    assert result.mask.shape == cord.shape and np.allclose(result.mask.affine, cord.affine, atol=1e-4)
    assert set(np.unique(result.mask.dataobj)) <= {0, 1} and np.count_nonzero(result.mask.dataobj)


def test_probability_is_what_the_threshold_cut(result, cord):
    probability = result.probability.get_fdata()
    assert result.probability.shape == cord.shape and probability.min() >= 0 and probability.max() <= 1
    assert np.array_equal(probability >= THRESHOLD, np.asarray(result.mask.dataobj) == 1)


def test_measures_are_a_table(result):
    assert list(result.measures.columns) == COLUMNS and set(result.measures["case"]) == {"image"}
    volume = result.measures.query("measure == 'volume'")
    voxels = np.count_nonzero(result.mask.dataobj) * abs(np.linalg.det(result.mask.affine[:3, :3]))
    assert volume["value"].item() == pytest.approx(voxels, rel=1e-3) and volume["unit"].item() == "mm3"
    areas = result.measures.query("measure == 'area'")
    assert volume["slice"].isna().all() and areas["slice"].notna().all() and areas["value"].dtype == float


def test_the_record_says_what_made_it(result):
    assert result.record["bundle"] == "spinal_cord_gray_matter_segmentation" and result.record["complete"]
    assert result.record["source"] == ["image.nii.gz"] and len(result.record["weights_sha256"]) == 64
    assert not [line for line in result.warnings if not line.startswith("quality ")] and result.error is None


def test_path_image_and_list_give_the_same(model, result, cord, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    nibabel.save(cord, tmp_path / "scan.nii.gz")
    found = model.segment(["scan.nii.gz", Path("missing.nii.gz"), cord, tmp_path / "scan.nii.gz"])
    assert [one.name for one in found][:2] == ["scan", "missing"] and len(found) == 4
    for one in (found[0], found[2], found[3]):
        assert np.array_equal(one.mask.dataobj, result.mask.dataobj)
    assert "missing.nii.gz: no such file" in str(found[1].error) and found[1].mask is None and found[1].measures.empty
    assert sorted(os.listdir(tmp_path)) == ["scan.nii.gz", "scratch"] and not [
        name for name in os.listdir(tmp_path / "scratch") if not name.startswith("torch")
    ]


def test_a_dicom_folder_is_one_scan(model, tmp_path):
    pixels = np.random.default_rng(0).integers(100, 900, (48, 40)).astype(np.uint16)
    for index in range(2):
        write_slice(tmp_path / f"{index}.dcm", (0, 0, 4.0 * index), pixels, index)
    found = model.segment(tmp_path)
    assert found.mask.ndim == 3 and found.mask.shape[2] == 2 and found.name == tmp_path.name


def test_a_folder_of_scans_belongs_into_a_list(model, cord, tmp_path):
    for name in "ab":
        nibabel.save(cord, tmp_path / f"{name}.nii.gz")
    with pytest.raises(axial.UserError, match="2 cases"):
        model.segment(tmp_path)
    assert [one.name for one in model.segment([tmp_path])] == ["a", "b"]


def test_classes_have_probabilities_by_name(tmp_path):
    found = axial.segment("digits", write_digit(tmp_path / "three.png", 3), device="cpu")
    assert found.mask is None and found.probability.idxmax() == "3" and found.probability.sum() == pytest.approx(1, abs=1e-4)
    assert list(found.probability.index) == [str(digit) for digit in range(10)]


def test_several_channels_are_the_last_axis(tmp_path):
    from tools.phantoms.chest import make_chest_phantom

    phantom = make_chest_phantom(np.random.default_rng(0), kind="bright")
    nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), tmp_path / "film.nii.gz")
    found = axial.segment("chest", tmp_path / "film.nii.gz", device="cpu")
    assert found.probability.shape == (*found.mask.shape, 6)
    assert np.allclose(found.probability.get_fdata().sum(-1), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: axial.load("liver"), "liver: no such bundle"),
        (lambda: axial.load("digits", threshold=0.3), "threshold"),
        (lambda: axial.load("spinal_cord", threshold=2), "--threshold 2: not a number from 0 to 1"),
        (lambda: axial.load("spinal_cord", threshold="high"), "--threshold high: not a number from 0 to 1"),
        (lambda: axial.load("spinal_cord", threshold=float("nan")), "--threshold nan: not a number from 0 to 1"),
        (lambda: axial.load("digits", device="cuda:9"), "not a device of this machine"),
        (lambda: axial.load("digits", weights="missing.pt"), "missing.pt: no such file"),
        (lambda: axial.segment("digits", "missing.png"), "missing.png: no such file"),
    ],
)
def test_what_a_user_can_mend_is_a_user_error(call, text):
    with pytest.raises(axial.UserError, match=text):
        call()


def test_a_threshold_may_be_a_number_of_numpy(cord):
    """One of float32 was refused."""
    model = axial.load("spinal_cord", threshold=np.float32(0.25))
    assert model.segment(cord).record["settings"]["threshold"] == 0.25


@pytest.mark.parametrize("scan", [np.zeros((8, 8, 2)), None, 3, b"scan.nii.gz", {"image": 3}.values(), nibabel.GiftiImage()])
@pytest.mark.parametrize("several", [False, True])
def test_what_is_no_scan_is_a_user_error(model, scan, several):
    with pytest.raises(axial.UserError, match=r"scan 1: a .*Give a path, or a nibabel image"):
        model.segment([scan] if several else scan)


def test_an_image_whose_file_is_gone_is_a_user_error(model, cord, tmp_path):
    cord.to_filename(tmp_path / "scan.nii.gz")
    image = nibabel.load(tmp_path / "scan.nii.gz")
    (tmp_path / "scan.nii.gz").unlink()
    with pytest.raises(axial.UserError, match="scan 2: a Nifti1Image that cannot be taken"):
        model.segment([cord, image])


@pytest.mark.parametrize("kind", [nibabel.MGHImage, nibabel.Spm99AnalyzeImage, nibabel.Nifti2Image])
def test_images_of_other_kinds_lie_where_they_lay(model, cord, kind):
    image = kind(np.asarray(cord.dataobj, np.float32), cord.affine)
    found = model.segment(image)
    assert found.mask.shape == cord.shape and np.allclose(found.mask.affine, image.affine, atol=1e-3)


def test_an_image_in_memory_is_not_called_by_a_path_that_is_gone():
    with pytest.raises(axial.UserError) as error:
        axial.segment("spinal_cord", nibabel.Nifti1Image(np.zeros((8, 8, 2, 3), np.float32), np.eye(4)), device="cpu")
    assert str(error.value).startswith("image.nii.gz")


def test_a_bundles_folder_and_the_callers_random_numbers(tmp_path):
    path = write_digit(tmp_path / "three.png", 3)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    axial.load(DIGITS, device="cpu").segment(path)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected
