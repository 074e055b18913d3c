"""Lesion data in their official forms."""

import json
import shutil

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from scipy import ndimage

from custom_networks import UserError
from custom_networks.errors import WrongFilesError
from tools.datasets.lesions import prepare_lesions
from tools.phantoms.brain import draw_outside, make_brain_phantom


def study(folder, flair: str, t1: str, mask: str | None, value: int = 1):
    shape = (4, 5, 6)
    label = np.zeros(shape, np.uint8)
    label[1, 2, 3] = value
    for name, array in ((flair, np.full(shape, 2.0)), (t1, np.full(shape, 3.0)), *([(mask, label)] if mask else [])):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_nifti(path, array.astype(np.uint8))
    return folder


def read(path):
    return json.loads(path.read_text())


def assert_right(folder, entry) -> None:
    values = [nibabel.load(folder / name).get_fdata()[0, 0, 0] for name in entry["image"]]
    assert values == [2, 3]
    assert np.argwhere(np.asarray(nibabel.load(folder / entry["label"]).dataobj)).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("dataset", "files", "cases"),
    [
        ("wmh", [(f"Utrecht/{n}/pre/FLAIR.nii.gz", f"Utrecht/{n}/pre/T1.nii.gz", f"Utrecht/{n}/wmh.nii.gz") for n in (0, 2)],
         ["Utrecht_0", "Utrecht_2"]),
        ("wmh", [(f"{n}/FLAIR.nii", f"{n}/T1.nii", f"{n}/wmh.nii") for n in "ab"], ["a", "b"]),
        ("open-ms-data", [(f"p{n}_FLAIR.nii.gz", f"p{n}_T1.nii.gz", f"p{n}_lesion.nii.gz") for n in "12"], ["p1", "p2"]),
        ("bids", [(f"sub-{n}/anat/sub-{n}_FLAIR.nii.gz", f"sub-{n}/anat/sub-{n}_T1w.nii.gz",
                   f"derivatives/manual/sub-{n}/anat/sub-{n}_label-lesion_mask.nii.gz") for n in "12"], ["sub-1", "sub-2"]),
    ],
)  # fmt: skip
def test_official_forms(tmp_path, dataset, files, cases):
    for names in files:
        study(tmp_path / "in", *names)
        for path in [tmp_path / "in" / name for name in names]:
            path.with_name(f"._{path.name}").write_bytes(b"what macOS adds")
    report = prepare_lesions(dataset, tmp_path / "in", tmp_path / "out", test=[cases[1]])
    assert report.cases == cases and report.left_out == []
    content = read(report.data_list)
    assert_right(tmp_path / "out", content["training"][0])
    assert content["test"][0]["label"].startswith(cases[1]) and content["validation"] == []


def test_t1_after_contrast_is_not_t1(tmp_path):
    study(tmp_path / "in", "p_FLAIR.nii.gz", "p_T1.nii.gz", "p_lesion.nii.gz")
    save_nifti(tmp_path / "in" / "p_T1POST.nii.gz", np.full((4, 5, 6), 9, np.uint8))
    report = prepare_lesions("open-ms-data", tmp_path / "in", tmp_path / "out")
    assert_right(tmp_path / "out", read(report.data_list)["training"][0])


def test_what_is_missing_is_reported(tmp_path):
    study(tmp_path / "in", "a/FLAIR.nii", "a/T1.nii", "a/wmh.nii")
    study(tmp_path / "in", "b/FLAIR.nii", "b/T2.nii", "b/wmh.nii")
    assert prepare_lesions("wmh", tmp_path / "in", tmp_path / "out").left_out == ["b: T1 missing"]
    with pytest.raises(UserError, match="no study"):
        prepare_lesions("bids", tmp_path / "in", tmp_path / "out2")


def test_wrong_values(tmp_path):
    study(tmp_path / "in", "a/FLAIR.nii", "a/T1.nii", "a/wmh.nii", value=5)
    with pytest.raises(UserError, match=r"wmh\.nii: values 5 are"):
        prepare_lesions("wmh", tmp_path / "in", tmp_path / "out")


def test_all_wrong_studies_are_told_in_one_go(tmp_path):
    """The first ended it, with half a data set written."""
    for case in "abc":
        (tmp_path / "in" / case).mkdir(parents=True)
        for name in ("FLAIR", "T1", "wmh"):
            save_nifti(
                tmp_path / "in" / case / f"{name}.nii.gz", np.ones((3, 3, 3), np.uint8) * (7 if case + name == "awmh" else 1)
            )
    for name in ("FLAIR", "T1"):
        (tmp_path / "in" / "b" / f"{name}.nii.gz").write_bytes(b"none")
    with pytest.raises(WrongFilesError) as error:
        prepare_lesions("wmh", tmp_path / "in", tmp_path / "out")
    told = [fault.problem.split(": ")[0].removeprefix(f"{tmp_path}/in/") for fault in error.value.faults]
    assert told == ["a/wmh.nii.gz", "b/FLAIR.nii.gz", "b/T1.nii.gz"] and not (tmp_path / "out").exists()


def test_priors_are_copied(tmp_path):
    study(tmp_path / "in", "a/FLAIR.nii", "a/T1.nii", "a/wmh.nii")
    (tmp_path / "priors").mkdir()
    save_nifti(tmp_path / "priors" / "x.nii", np.ones((3, 3, 3), np.uint8))
    (tmp_path / "priors" / "._x.nii").write_bytes(b"what macOS adds")
    prepare_lesions("wmh", tmp_path / "in", tmp_path / "out", tmp_path / "priors")
    assert (tmp_path / "out" / "priors" / "x.nii.gz").exists()
    with pytest.raises(UserError, match="no NIfTI masks"):
        prepare_lesions("wmh", tmp_path / "in", tmp_path / "out3", tmp_path / "in" / "a" / "nowhere")


def test_sulci_hang_together_with_the_surface():
    depth = np.broadcast_to(np.arange(-4, 36)[:, None, None] * 1.0, (40, 50, 60))
    outside = draw_outside(np.random.default_rng(0), depth, 1.0)
    assert ndimage.label(outside)[1] == 1 and outside[depth <= 1].all() and not outside[depth > 25].any()
    shares = [outside[depth == mm].mean() for mm in (2, 5, 9, 16)]
    assert shares[0] > shares[1] > shares[2] > shares[3] and 0.1 < shares[1] < 0.3 and shares[3] < 0.05


def test_brain_phantoms():
    phantom = make_brain_phantom(np.random.default_rng(0))
    flair, t1 = phantom.images["FLAIR"].astype(float), phantom.images["T1"].astype(float)
    lesion = phantom.label == 1
    white = (t1 > np.quantile(t1[t1 > 0], 0.6)) & ~lesion
    assert lesion.any() and flair[lesion].mean() > 1.3 * flair[white].mean() and t1[lesion].mean() < 0.9 * t1[white].mean()
    assert (flair[:2] == 0).all() and 0.2 < (t1 > 0).mean() < 0.6
    assert not make_brain_phantom(np.random.default_rng(0), "healthy").label.any()


def test_people_without_flair_and_with_two_do_not_stop_the_others(tmp_path):
    bids = tmp_path / "in"
    for n in "123":
        study(bids, *(f"{place}sub-{n}/anat/sub-{n}_{what}.nii.gz" for place, what in
                      (("", "FLAIR"), ("", "T1w"), ("derivatives/manual/", "label-lesion_mask"))))  # fmt: skip
    (bids / "sub-2" / "anat" / "sub-2_FLAIR.nii.gz").unlink()
    shutil.copy(bids / "sub-3" / "anat" / "sub-3_FLAIR.nii.gz", bids / "sub-3" / "anat" / "sub-3_FLAIRw.nii.gz")
    report = prepare_lesions("bids", bids, tmp_path / "out")
    assert report.cases == ["sub-1"] and len(report.left_out) == 2
    assert "sub-2: no FLAIR image" in report.left_out[0] and "two FLAIR images of one study" in report.left_out[1]


def test_two_studies_of_one_name_are_told(tmp_path):
    for part in ("one", "two"):
        study(tmp_path / "in", *(f"{part}/p1_{name}.nii.gz" for name in ("FLAIR", "T1", "lesion")))
    report = prepare_lesions("open-ms-data", tmp_path / "in", tmp_path / "out")
    assert report.cases == ["p1"] and len(report.left_out) == 1
    assert "one/p1_lesion.nii.gz is another study of this name" in report.left_out[0] and "two/p1" in report.left_out[0]
