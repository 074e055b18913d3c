"""Data sets from label maps: brains of any contrast, and the maps themselves."""

import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from typer.testing import CliRunner

from custom_networks import UserError
from tools.cli.app import app
from tools.datasets.head_labels import prepare_head_labels
from tools.datasets.synthetic_brains import prepare_synthetic_brains
from tools.synthesis.brain_mri import render_brain, tissue_map


def labels() -> np.ndarray:
    axes = np.meshgrid(*[np.arange(n) - n / 2 + 0.5 for n in (50, 60, 44)], indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    array = np.select([radius < 5, radius < 12, radius < 16, radius < 18, radius < 21], [4, 2, 3, 24, 515], 0)
    for number, label in enumerate((10, 11, 12, 13, 17)):
        array[24:26, 30 + 2 * number : 32 + 2 * number, 22:24] = label
    return array.astype(np.int16)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "maps").mkdir()
    save_nifti(tmp_path / "maps" / "one.nii.gz", labels())
    return tmp_path / "maps"


def test_brains_drawn_from_labels_have_no_skull_no_lesions_and_dark_fluid(source, tmp_path):
    report = prepare_synthetic_brains(source, tmp_path / "out", seed=3)
    content = json.loads(report.data_list.read_text())
    assert content["training"] == [{"image": ["one_FLAIR.nii.gz", "one_T1.nii.gz"], "label": "one_lesion.nii.gz"}]
    flair, t1, lesion = (nibabel.load(tmp_path / "out" / f"one_{name}.nii.gz") for name in ("FLAIR", "T1", "lesion"))
    assert not np.asarray(lesion.dataobj).any() and flair.shape == t1.shape == lesion.shape < labels().shape
    middle = np.linalg.inv(flair.affine) @ [25, 27, 20, 1]  # of the ventricle
    white = np.linalg.inv(flair.affine) @ [33, 29, 21, 1]
    for image in (flair, t1):
        array = np.asarray(image.dataobj)
        fluid, matter = (array[tuple(np.round(place[:3]).astype(int))] for place in (middle, white))
        assert 0 < fluid < 0.75 * matter and array[0].max() == 0


def test_equal_seeds_equal_brains_and_contrasts_differ():
    tissues = tissue_map(labels())
    assert set(np.unique(tissues)) == {0, 1, 2, 3, 4, 5} and not tissues[labels() == 515].any()
    first, again, other = (render_brain(tissues, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first["FLAIR"], again["FLAIR"]) and not np.array_equal(first["T1"], other["T1"])


def test_head_labels_are_copied(source, tmp_path):
    report = prepare_head_labels(source, tmp_path / "out")
    np.testing.assert_array_equal(nibabel.load(tmp_path / "out" / "one.nii.gz").dataobj, labels())
    assert report.cases == ["one"] and json.loads(report.data_list.read_text())["training"][0]["label"] == "one.nii.gz"


def test_commands_and_clear_errors(source, tmp_path):
    for command in ("synthetic-brains", "head-labels"):
        result = CliRunner().invoke(app, ["prepare", command, str(source), str(tmp_path / command)])
        assert result.exit_code == 0 and "1 training, 0 validation" in result.output
        with pytest.raises(UserError, match="no label maps"):
            (prepare_head_labels if command == "head-labels" else prepare_synthetic_brains)(tmp_path / "none", tmp_path / "x")
    save_nifti(source / "two.nii.gz", (labels() == 3).astype(np.int16))
    with pytest.raises(UserError, match=r"two.nii.gz: no white matter"):
        prepare_synthetic_brains(source, tmp_path / "y")
    with pytest.raises(UserError, match=r"two.nii.gz: fewer than 10 labels"):
        prepare_head_labels(source, tmp_path / "z")
