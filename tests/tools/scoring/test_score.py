"""``axial score`` as a user calls it."""

import csv
import json

import numpy as np
import pytest
from conftest import save_nifti

from tools.cli import app as cli

AFFINE = np.diag([2.0, 1.0, 1.0, 1.0])


@pytest.fixture
def score(monkeypatch, capfd, tmp_path):
    """Call ``axial score``; return exit code, what was printed, and scores by case, structure and metric."""

    def call(*arguments) -> tuple[int, str, dict]:
        output = tmp_path / "scores"
        monkeypatch.setattr("sys.argv", ["axial", "score", *map(str, arguments), "-o", str(output), "--overwrite"])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as end:
            cli.main()
        table = output / "scores.csv"
        rows = list(csv.DictReader(table.open())) if table.is_file() else []
        values = {(row["case"], row["structure"], row["metric"]): float(row["value"]) for row in rows}
        return end.value.code, "".join(capfd.readouterr()), values

    return call


def boxes(shape=(20, 20, 10), **values) -> np.ndarray:
    """Return a label map of boxes: value to the first index of a box of 10 x 10 x 6 voxels."""
    array = np.zeros(shape, np.uint8)
    for value, low in values.items():
        array[low : low + 10, 5:15, 2:8] = int(value.strip("v"))
    return array


def folders(tmp_path):
    for name in ("pred", "truth"):
        (tmp_path / name).mkdir()
    return tmp_path / "pred", tmp_path / "truth"


def test_every_case_then_mean_deviation_and_interval(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for index, shift in enumerate((0, 1, 2, 5)):
        save_nifti(predictions / f"case{index}_image_seg.nii.gz", boxes(v1=5 - min(shift, 5)), AFFINE)
        save_nifti(labels / f"case{index}_label.nii.gz", boxes(v1=5), AFFINE)
        save_nifti(labels / f"case{index}_image.nii.gz", boxes(), AFFINE)
    code, printed, values = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 0 and "Traceback" not in printed
    dice = [values[f"case{index}", "gray matter", "Dice"] for index in range(4)]
    assert dice == pytest.approx([1.0, 0.9, 0.8, 0.5])
    assert values["case2", "gray matter", "HD95"] == pytest.approx(4.0)
    assert values["case1", "gray matter", "volume error"] == 0
    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())["summary"]
    found = next(row for row in summary if row["metric"] == "Dice")
    assert (found["count"], found["mean"]) == (4, pytest.approx(0.8))
    assert found["deviation"] == pytest.approx(np.std([1, 0.9, 0.8, 0.5], ddof=1))
    assert 0.5 <= found["low"] < 0.8 < found["high"] <= 1.0
    assert "95 % interval" in printed and "0.8" in printed


def test_the_cord_is_scored_by_the_ten_measures_of_its_challenge(score, tmp_path):
    """Boxes of 10 x 10 pixels on 6 slices, moved by 2 of them: 480 voxels agree, 120 are found wrongly, 120 missed."""
    predictions, labels = folders(tmp_path)
    turned = np.diag([2.0, 1, 1, 1])[:, [2, 0, 1, 3]]  # slices along the first axis
    for name, affine, order in (("upright", AFFINE, (0, 1, 2)), ("turned", turned, (2, 0, 1))):
        label = boxes(v1=5)
        label[0:2, 0:2] = 2  # white matter
        save_nifti(predictions / f"{name}_seg.nii.gz", boxes(v1=7).transpose(order), affine)
        save_nifti(labels / f"{name}.nii.gz", label.transpose(order), affine)
    code, printed, values = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 0, printed
    for name in ("upright", "turned"):
        found = {metric: value for (case, _, metric), value in values.items() if case == name}
        assert found["Dice"] == pytest.approx(0.8) and found["jaccard"] == pytest.approx(480 / 720)
        assert found["sensitivity"] == found["precision"] == pytest.approx(0.8)
        assert found["specificity"] == pytest.approx(1 - 120 / (20 * 20 * 10 - 600))
        assert found["conformity"] == pytest.approx(1 - 240 / 480)
        assert found["Hausdorff distance in plane"] == pytest.approx(4.0)  # two pixels of 2 mm
        assert 0 < found["mean surface distance in plane"] < 4
        assert {"skeletonised Hausdorff distance in plane", "skeletonised median distance in plane"} <= found.keys()


def test_what_is_missing_is_named_and_ends_with_code_1(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for name in ("a", "b", "extra"):
        save_nifti(predictions / f"{name}_seg.nii.gz", boxes(v1=5), AFFINE)
    for name in ("a", "b", "missing"):
        save_nifti(labels / f"{name}.nii.gz", boxes(v1=5), AFFINE if name != "b" else np.eye(4))
    code, printed, values = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 1 and {case for case, _, _ in values} == {"a"}
    for text in ("missing: no prediction in", "extra_seg.nii.gz: no label in", "b.nii.gz: lies elsewhere than b_seg.nii.gz"):
        assert text in " ".join(printed.split())


def test_a_data_set_says_which_label_is_whose(score, tmp_path):
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "one_seg.nii.gz", boxes(v1=5), AFFINE)
    save_nifti(labels / "elsewhere.nii.gz", boxes(v1=5), AFFINE)
    entry = {"image": "one.nii.gz", "label": "elsewhere.nii.gz"}
    (labels / "dataset.json").write_text(json.dumps({"training": [entry], "test": []}))
    code, printed, _ = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 2 and "no section 'test'" in printed and "there are: training" in " ".join(printed.split())
    code, _, values = score(predictions, labels, "--bundle", "spinal_cord", "--section", "training")
    assert code == 0 and values["one", "gray matter", "Dice"] == 1
    other = entry | {"image": "two.nii.gz"}
    (labels / "dataset.json").write_text(json.dumps({"training": [entry], "test": [other]}))
    code, printed, _ = score(predictions, labels, "--bundle", "spinal_cord")
    said = " ".join(printed.split())
    assert code == 2 and "no label of section 'test' belongs to a prediction" in said and "Give --section training" in said
    (labels / "dataset.json").write_text(json.dumps({"test": [other]}))
    assert "Give predictions of the images that it lists" in " ".join(
        score(predictions, labels, "--bundle", "spinal_cord")[1].split()
    )


@pytest.mark.parametrize("listed", [True, False])
def test_visits_that_are_called_as_modalities_stay_apart(score, tmp_path, listed):
    """P14_T1 and P14_T2 of MSLesSeg became one case, P14: the first was dropped silently."""
    predictions, labels = folders(tmp_path)
    for shift, time in enumerate(("T1", "T2", "T3")):
        save_nifti(predictions / f"P14_{time}_seg.nii.gz", boxes(v1=shift), AFFINE)
        save_nifti(labels / f"P14_{time}.nii.gz", boxes(v1=0), AFFINE)
    if listed:
        entries = [{"image": [f"P14_{time}_FLAIR.nii.gz"], "label": f"P14_{time}.nii.gz"} for time in ("T1", "T2", "T3")]
        (labels / "dataset.json").write_text(json.dumps({"test": entries}))
    code, printed, values = score(predictions, labels, "--bundle", "white_matter")
    dice = {case: value for (case, _, metric), value in values.items() if metric == "Dice"}
    assert code == 0, printed
    assert dice == {f"P14_T{n + 1}": pytest.approx(1 - n / 10) for n in range(3)}


def test_a_visit_is_not_scored_by_the_label_of_another(score, tmp_path):
    """P15_T1 was, by the label P15_T2; and where one visit of P14 was scored, "P14: no prediction" told of the other."""
    predictions, labels = folders(tmp_path)
    for name in ("P14_T1_seg", "P15_T1_seg", "P16_flair_T1_seg", "a_T1_seg", "b_seg"):
        save_nifti(predictions / f"{name}.nii.gz", boxes(v1=5), AFFINE)
    for name in ("P14_T1", "P14_T2", "P15_T2", "P16_T2_label", "a", "b_T1_label"):
        save_nifti(labels / f"{name}.nii.gz", boxes(v1=5), AFFINE)
    code, printed, values = score(predictions, labels, "--bundle", "white_matter")
    said = " ".join(printed.split())
    assert code == 1 and {case for case, _, metric in values if metric == "Dice"} == {"P14_T1", "a", "b"}, printed
    for text in (
        "P14_T2: no prediction",
        "P15_T2: no prediction",
        "P15_T1_seg.nii.gz: no label",
        "P16_flair_T1_seg.nii.gz: no label",
    ):
        assert text in said


def test_images_of_one_name_in_several_folders_stay_apart(score, tmp_path):
    """Results are called p1_t2 and p2_t2, as `segment` names them."""
    predictions, labels = folders(tmp_path)
    entries = [{"image": f"images/p{n}/t2.nii.gz", "label": f"p{n}_gm.nii.gz"} for n in (1, 2)]
    for n in (1, 2):
        save_nifti(predictions / f"p{n}_t2_seg.nii.gz", boxes(v1=n), AFFINE)
        save_nifti(labels / f"p{n}_gm.nii.gz", boxes(v1=1), AFFINE)
    (labels / "dataset.json").write_text(json.dumps({"test": entries}))
    code, printed, values = score(predictions, labels, "--bundle", "spinal_cord")
    dice = {case: value for (case, _, metric), value in values.items() if metric == "Dice"}
    assert code == 0 and dice == {"p1": 1, "p2": pytest.approx(0.9)}, printed


def test_an_image_beside_its_label_is_neither_label_nor_missing(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for name in ("a", "b"):
        save_nifti(labels / f"{name}_image.nii.gz", np.full((20, 20, 10), 7, np.int16), AFFINE)
        save_nifti(labels / f"{name}_label.nii.gz", boxes(v1=5), AFFINE)
    save_nifti(predictions / "a_image_seg.nii.gz", boxes(v1=5), AFFINE)
    code, printed, values = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 1 and printed.count("no prediction in") == 1 and "b: no prediction in" in printed
    assert values["a", "gray matter", "Dice"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"[]", b"{", b"\xff\xfe{", b"\xef\xbb\xbf{}", b'{"test": {"a": 1}}',
        b'{"test": ["a.nii"]}', b'{"test": [{"image": "a.nii"}]}',
        b'{"test": [{"image": null, "label": "a.nii"}]}', b'{"test": null}', b'{"labels": [], "test": []}',
    ],
)  # fmt: skip
def test_a_data_list_that_is_none_is_said(score, tmp_path, content):
    """It was called a fault of the program."""
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "a_seg.nii.gz", boxes(v1=5))
    (labels / "dataset.json").write_bytes(content)
    code, printed, _ = score(predictions, labels, "--bundle", "gray")
    assert code == 2 and "dataset.json: is no data list" in printed and "fault of the program" not in printed, printed


def test_an_accent_that_macos_takes_apart_is_the_same(score, tmp_path):
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "Ju\u0308rg_seg.nii.gz", boxes(v1=5))
    save_nifti(labels / "J\u00fcrg_label.nii.gz", boxes(v1=5))
    code, printed, values = score(predictions, labels, "--bundle", "gray")
    assert code == 0 and values["J\u00fcrg", "gray matter", "Dice"] == 1, printed


def test_predictions_are_not_compared_with_themselves(score, tmp_path):
    """Two folders of one name were told a Dice of 1."""
    predictions, _ = folders(tmp_path)
    save_nifti(predictions / "a_seg.nii.gz", boxes(v1=5))
    code, printed, values = score(predictions, predictions, "--bundle", "gray")
    assert code == 1 and "prediction and label are one file" in printed and not values


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--section", "validation"], "--section validation: without effect"),
        (["--pictures", "nowhere"], "--pictures nowhere: no such file or folder"),
    ],
)
def test_options_that_can_do_nothing_are_said_before_anything_is_scored(score, tmp_path, options, said):
    predictions, labels = folders(tmp_path)
    for folder in (predictions, labels):
        save_nifti(folder / "a.nii.gz", boxes(v1=5))
    code, printed, values = score(predictions, labels, "--bundle", "gray", *options)
    assert code == 2 and said in printed and not values


def test_labels_that_are_not_there_are_said_beside_a_section_too(score, tmp_path):
    """The section was called without effect."""
    predictions, _ = folders(tmp_path)
    save_nifti(predictions / "a.nii.gz", boxes(v1=5))
    code, printed, _ = score(predictions, tmp_path / "missing", "--bundle", "gray", "--section", "test")
    assert code == 2 and "missing: no such file or folder" in printed and "without effect" not in printed


def test_a_case_is_called_after_the_first_channel_that_is_there(score, tmp_path):
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "one_seg.nii.gz", boxes(v1=5))
    save_nifti(labels / "elsewhere.nii.gz", boxes(v1=5))
    entry = {"image": [None, "one.nii.gz"], "label": "elsewhere.nii.gz"}
    (labels / "dataset.json").write_text(json.dumps({"test": [entry]}))
    code, printed, values = score(predictions, labels, "--bundle", "gray")
    assert code == 0 and values["one", "gray matter", "Dice"] == 1, printed


def test_an_output_that_is_a_file_is_said_before_anything_is_scored(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for folder in (predictions, labels):
        save_nifti(folder / "a.nii.gz", boxes(v1=5))
    (tmp_path / "scores").touch()
    code, printed, _ = score(predictions, labels, "--bundle", "gray")
    assert code == 2 and "scores: is not a folder" in printed and "Dice" not in printed


def test_a_trailing_axis_of_one_voxel_is_none(score, tmp_path):
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "a.nii.gz", boxes(v1=5))
    save_nifti(labels / "a.nii.gz", boxes(v1=5)[..., None])
    code, printed, values = score(predictions, labels, "--bundle", "gray")
    assert code == 0 and values["a", "gray matter", "Dice"] == 1, printed


def test_vertebrae_by_verse_and_by_us(score, tmp_path):
    truth = np.zeros((20, 20, 100), np.uint8)
    for number, low in ((20, 66), (21, 34), (22, 2)):
        truth[4:16, 4:16, low : low + 24] = number
    shifted = np.where(truth > 0, truth - 1, 0).astype(np.uint8)
    for name, array in (("right", truth), ("high", shifted)):
        save_nifti(tmp_path / f"{name}.nii.gz", array)
    save_nifti(tmp_path / "truth.nii.gz", truth)
    for name, rate in (("right", 1), ("high", 0)):
        code, _, values = score(tmp_path / f"{name}.nii.gz", tmp_path / "truth.nii.gz", "--bundle", "vertebrae")
        assert code == 0
        assert values[name, "all", "identification rate (VerSe, 20 mm)"] == rate
        assert values[name, "all", "identification rate (IoU 0.5)"] == rate
        assert values[name, "all", "Dice of instances"] == 1
        assert (values[name, "all", "missed"], values[name, "all", "invented"]) == (0, 0)


def test_lesions_one_by_one(score, tmp_path):
    truth = np.zeros((30, 30, 30), np.uint8)
    truth[2:6, 2:6, 2:6] = truth[20:24, 20:24, 20:24] = 1
    found = truth.copy()
    found[20:, 20:, 20:] = 0
    save_nifti(tmp_path / "case_seg.nii.gz", found)
    save_nifti(tmp_path / "truth.nii.gz", truth)
    code, _, values = score(tmp_path / "case_seg.nii.gz", tmp_path / "truth.nii.gz", "--bundle", "lesions")
    assert code == 0
    assert values["case", "lesions", "lesion sensitivity"] == 0.5 and values["case", "lesions", "lesion precision"] == 1
    assert values["case", "lesions", "lesion F1"] == pytest.approx(2 / 3)


def test_a_structure_that_neither_shows_is_no_perfect_score(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for case, found in (("a", boxes(v1=5)), ("b", boxes(v1=5, v7=9))):
        save_nifti(predictions / f"{case}_seg.nii.gz", found, AFFINE)
        save_nifti(labels / f"{case}.nii.gz", boxes(v1=5), AFFINE)
    code, _, values = score(predictions, labels, "--bundle", "muscles")
    assert code == 0 and np.isnan(values["a", "right quadratus lumborum", "Dice"])
    assert values["b", "right quadratus lumborum", "Dice"] == 0  # invented
    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())["summary"]
    told = {row["structure"]: (row["count"], row["mean"]) for row in summary if row["metric"] == "Dice"}
    assert told["right quadratus lumborum"] == (1, 0)
    assert told.get("left psoas major", (0, None))[0] == 0


@pytest.mark.parametrize("bundle", ["spinal_cord", "lesions", "muscles"])
@pytest.mark.parametrize("odd", ["pred", "truth"])
def test_a_mask_of_0_and_255_is_refused_and_not_scored_0(score, tmp_path, bundle, odd):
    predictions, labels = folders(tmp_path)
    save_nifti(predictions / "a_seg.nii.gz", boxes(v1=5) * (255 if odd == "pred" else 1), AFFINE)
    save_nifti(labels / "a.nii.gz", boxes(v1=5) * (255 if odd == "truth" else 1), AFFINE)
    code, printed, values = score(predictions, labels, "--bundle", bundle)
    assert code == 1 and not values and "255" in printed
    assert "none of the bundle's classes (1 " in printed or "255 are not labels" in printed


def test_radiographs_without_spacing_are_measured_in_pixels(score, tmp_path):
    import nibabel

    for name, low in (("film_seg", 4), ("film_label", 5)):
        image = nibabel.Nifti1Image(boxes((32, 32, 1), v1=low)[..., :1], np.eye(4))
        array = np.zeros((32, 32, 1), np.uint8)
        array[low : low + 10, 5:15] = 1
        image = nibabel.Nifti1Image(array, np.eye(4))
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
    code, _, values = score(tmp_path / "film_seg.nii.gz", tmp_path / "film_label.nii.gz", "--bundle", "chest")
    assert code == 0 and values["film", "right lung", "Dice"] == pytest.approx(0.9)
    assert values["film", "right lung", "HD95"] == pytest.approx(1.0)
    rows = list(csv.DictReader((tmp_path / "scores" / "scores.csv").open()))
    assert {row["unit"] for row in rows if row["metric"] == "HD95"} == {"pixels"}


def test_digits_are_scored_by_accuracy(score, tmp_path):
    predictions, labels = folders(tmp_path)
    for name, value in (("a", "3"), ("b", "5")):
        (predictions / f"{name}_pred.json").write_text(json.dumps({"case": name, "name": value, "probabilities": [1.0]}))
    entries = [{"image": "a.png", "label": 3}, {"image": "b.png", "label": 6}]
    (labels / "dataset.json").write_text(json.dumps({"test": entries}))
    code, _, values = score(predictions, labels, "--bundle", "digits")
    assert code == 0 and (values["a", "all", "accuracy"], values["b", "all", "accuracy"]) == (1, 0)


@pytest.mark.parametrize("missing", ["pred", "truth"])
def test_folders_that_are_not_there_or_empty(score, tmp_path, missing):
    predictions, labels = folders(tmp_path)
    for folder in (predictions, labels):
        if folder.name != missing:
            save_nifti(folder / "a.nii.gz", boxes(v1=5))
    code, printed, _ = score(predictions, labels, "--bundle", "spinal_cord")
    assert code == 2 and f"{missing}: holds no" in printed
    code, printed, _ = score(predictions, labels / "x", "--bundle", "spinal_cord")
    assert code == 2 and "no such file or folder" in printed
