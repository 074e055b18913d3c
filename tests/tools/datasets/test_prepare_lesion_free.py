"""Studies of people without lesions."""

import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import UserError
from tools.datasets.lesion_free import mirrored, prepare_lesion_free

VOLUME = np.arange(5 * 2 * 3, dtype=np.int16).reshape(5, 2, 3)


def test_masks_are_empty(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("anna_FLAIR", "anna_T1w", "bert_FLAIR", "bert_T2"):
        save_nifti(tmp_path / "in" / f"{name}.nii.gz", VOLUME)
    report = prepare_lesion_free(tmp_path / "in", tmp_path / "out")
    assert report.cases == ["anna"] and report.left_out == ["bert_FLAIR: T1 missing"]
    content = json.loads(report.data_list.read_text())
    assert content["training"] == [{"image": ["anna_FLAIR.nii.gz", "anna_T1.nii.gz"], "label": "anna_lesion.nii.gz"}]
    label = nibabel.load(tmp_path / "out" / "anna_lesion.nii.gz")
    assert label.shape == VOLUME.shape and not np.asarray(label.dataobj).any()
    np.testing.assert_array_equal(nibabel.load(tmp_path / "out" / "anna_T1.nii.gz").dataobj, VOLUME)


def test_studies_of_one_name_are_all_kept_and_those_of_two_images_told(tmp_path):
    for value, part in enumerate(("one", "two", "three")):
        (tmp_path / "in" / part).mkdir(parents=True)
        for name in ("p1_FLAIR", "p1_T1w", *(["p1_FLAIRw"] if part == "three" else [])):
            save_nifti(tmp_path / "in" / part / f"{name}.nii.gz", VOLUME + value)
    report = prepare_lesion_free(tmp_path / "in", tmp_path / "out")
    assert sorted(report.cases) == ["one_p1", "two_p1"] and len(report.left_out) == 1
    assert "two FLAIR images of one study" in report.left_out[0]
    for value, case in enumerate(("one_p1", "two_p1")):
        np.testing.assert_array_equal(nibabel.load(tmp_path / "out" / f"{case}_FLAIR.nii.gz").dataobj, VOLUME + value)


@pytest.mark.parametrize(("side", "rows"), [("left", [0, 1, 2, 1, 0]), ("right", [4, 3, 2, 3, 4])])
@pytest.mark.parametrize("turned", [False, True])
def test_one_hemisphere_stands_for_both(side, rows, turned):
    """Rows of a grid in RAS go from the patient's left to the right."""
    image = nibabel.Nifti1Image(VOLUME, np.eye(4))
    if turned:
        image = image.as_reoriented(np.array([[1, 1], [0, -1], [2, 1]]))
    np.testing.assert_array_equal(mirrored(image, side).dataobj, VOLUME[rows])


def test_clear_errors(tmp_path):
    save_nifti(tmp_path / "FLAIR.nii.gz", VOLUME)
    with pytest.raises(UserError, match="no study with FLAIR and T1"):
        prepare_lesion_free(tmp_path, tmp_path / "out")
    with pytest.raises(UserError, match="--mirror front: no such side"):
        prepare_lesion_free(tmp_path, tmp_path / "out", mirror="front")
