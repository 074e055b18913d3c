"""``axial score --pictures`` as a user calls it."""

import numpy as np
import pytest
from conftest import save_nifti
from PIL import Image

AFFINE = np.diag([2.0, 1.0, 1.0, 1.0])


def coloured(picture, colour: tuple[int, int, int]) -> int:
    """Count the pixels of about a colour."""
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    return int((np.abs(pixels - colour).max(-1) < 60).sum())


RED, BLUE = (255, 64, 64), (48, 208, 255)


@pytest.fixture
def scored(tmp_path):
    """Three cases: a mask that is right, one that is moved, and one that is empty; images of two of them."""
    folders = [tmp_path / name for name in ("results", "labels", "images")]
    for folder in folders:
        folder.mkdir()
    label = np.zeros((20, 20, 10), np.uint8)
    label[5:15, 5:15, 2:8] = 1
    masks = {"right": label, "moved": np.roll(label, 3, 1), "empty": np.zeros_like(label)}
    for case, mask in masks.items():
        save_nifti(folders[0] / f"{case}_image_seg.nii.gz", mask, AFFINE)
        save_nifti(folders[1] / f"{case}_label.nii.gz", label, AFFINE)
        if case != "empty":
            save_nifti(folders[2] / f"{case}_image.nii.gz", np.full(label.shape, 100, np.int16) + label, AFFINE)
    return folders


def test_every_case_with_an_image_is_drawn_where_it_is_wrong(tools, scored, tmp_path):
    results, labels, images = scored
    code, printed = tools("score", results, labels, "--bundle", "spinal_cord", "-o", tmp_path / "out", "--pictures", images)
    drawn = tmp_path / "out" / "pictures"
    assert code == 1 and "empty: not drawn, no image of this name" in printed and "Traceback" not in printed
    assert f"drew 2 of 3 cases: {drawn}" in printed and (tmp_path / "out" / "scores.csv").is_file()
    assert sorted(path.name for path in drawn.iterdir()) == ["moved.png", "right.png"]
    assert coloured(drawn / "moved.png", RED) > 500 and coloured(drawn / "moved.png", BLUE) > 500
    assert coloured(drawn / "right.png", BLUE) > 500 > 5 * coloured(drawn / "right.png", RED)  # drawn over it


def test_an_image_is_read_once_for_its_mask_and_its_label(tools, scored, tmp_path, monkeypatch):
    from tools.results import pictures

    results, labels, images = scored
    read, load = [], pictures.load_image_in_space
    monkeypatch.setattr(pictures, "load_image_in_space", lambda path: read.append(path) or load(path))
    tools("score", results, labels, "--bundle", "spinal_cord", "-o", tmp_path / "out", "--pictures", images)
    assert sorted(read) == [str(images / f"{case}_image.nii.gz") for case in ("moved", "right")]


def test_where_nothing_could_be_scored_no_empty_table_is_printed(tools, tmp_path):
    for folder, value in (("results", 1), ("labels", -1)):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / "a.nii.gz", np.full((8, 8, 8), value, np.int16), AFFINE)
    code, printed = tools("score", tmp_path / "results", tmp_path / "labels", "--bundle", "spinal_cord", "-o", tmp_path / "out")
    assert code == 1 and "failed: a: " in printed and "structure" not in printed


def test_labels_of_another_grid_stop_no_other_case(tools, scored, tmp_path):
    results, labels, images = scored
    save_nifti(images / "empty_image.nii.gz", np.zeros((8, 8, 8), np.int16), AFFINE)
    code, printed = tools("score", results, labels, "--bundle", "spinal_cord", "-o", tmp_path / "out", "--pictures", images)
    assert code == 1 and "empty: not drawn" in printed and "drew 2 of 3 cases" in printed


def test_a_study_of_several_images_is_drawn_on_its_first(tools, tmp_path):
    """FLAIR, on whose grid masks lie; T1 comes later, and gives the case the same name."""
    results, labels, images = (tmp_path / name for name in ("results", "labels", "images/p7"))
    label = np.zeros((20, 20, 10), np.uint8)
    label[5:10, 5:15, 2:8] = 1
    for folder in (results, labels, images):
        folder.mkdir(parents=True)
    save_nifti(results / "p7_seg.nii.gz", label, AFFINE)
    save_nifti(labels / "p7_label.nii.gz", label, AFFINE)
    save_nifti(images / "FLAIR.nii.gz", np.zeros(label.shape, np.int16), AFFINE)
    save_nifti(images / "T1.nii.gz", np.zeros((8, 8, 8), np.int16), AFFINE)
    command = ("score", results, labels, "--bundle", "white_matter", "-o", tmp_path / "out", "--pictures", tmp_path / "images")
    code, printed = tools(*command)
    assert code == 0 and "drew 1 of 1 case" in printed, printed
    assert (tmp_path / "out" / "pictures" / "p7.png").is_file()


def test_classes_of_pictures_are_refused(tools, tmp_path):
    (tmp_path / "a_pred.json").write_text('{"name": "1"}')
    (tmp_path / "dataset.json").write_text('{"test": [{"image": "a.png", "label": 1}]}')
    code, printed = tools("score", tmp_path, tmp_path, "--bundle", "digits", "-o", tmp_path / "out", "--pictures", tmp_path)
    assert code == 2 and "its results are not masks" in " ".join(printed.split()) and "Traceback" not in printed


def test_slices_are_those_that_differ_most_by_the_numbers_of_the_file(monkeypatch, tmp_path):
    from matplotlib.axes import Axes

    from tools.results.report.view import View, number_slices
    from tools.scoring.disagreement import draw_disagreement

    titles = []
    monkeypatch.setattr(Axes, "set_title", lambda self, text, **options: titles.append(text))
    mask, label = np.zeros((2, 12, 12, 20), np.uint8)
    for size, index in ((5, 3), (9, 17), (1, 10)):
        label[:size, :4, index] = 1
    upside_down = np.diag([1.0, 1, -1, 1])
    view = View(np.zeros(mask.shape, np.float32), mask, np.eye(4), numbering=number_slices(upside_down, mask.shape))
    draw_disagreement(view, label, tmp_path / "a.png", "a")
    assert titles == ["slice 16", "slice 9", "slice 2"]


@pytest.mark.parametrize(("bundle", "named"), [("vertebrae", {("L1", "left"), ("L2", "right")}), ("spinal_muscles", set())])
def test_short_names_stand_beside_what_they_name(tools, tmp_path, monkeypatch, bundle, named):
    """The right ones at one edge, those that were told at the other."""
    from matplotlib.axes import Axes

    written = set()
    monkeypatch.setattr(Axes, "text", lambda self, x, y, text, **options: written.add((text, options["ha"])))
    label = np.zeros((20, 20, 10), np.uint8)
    label[5:15, 5:15, 2:8] = 20 if bundle == "vertebrae" else 1
    for folder, array in (("results", label + (label > 0) * (bundle == "vertebrae")), ("labels", label), ("images", label * 10)):
        (tmp_path / folder).mkdir()
        ending = {"results": "_seg", "labels": "_label", "images": "_image"}[folder]
        save_nifti(tmp_path / folder / f"a{ending}.nii.gz", array, AFFINE)
    results, labels, images = (tmp_path / name for name in ("results", "labels", "images"))
    _, printed = tools("score", results, labels, "--bundle", bundle, "-o", tmp_path / "out", "--pictures", images)
    assert "drew 1 of 1" in printed and written == named
