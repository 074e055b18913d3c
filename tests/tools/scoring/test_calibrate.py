"""What a result's quality is learnt from, by a stand-in for a bundle."""

import json
import re
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from PIL import Image

from custom_networks import UserError
from custom_networks.data.data_list import load_data_list
from custom_networks.quality.features import distance
from custom_networks.quality.model import QualityModel
from tools.scoring.appearance import limits
from tools.scoring.calibrate import calibrate, check, usual_vectors
from tools.scoring.judging import Judged, judge_cases, read_results, write_results

CLASSES = {"0": "background", "1": "organ"}


class Threshold:
    """Finds what is brighter than 100; its sureness is the picture's sharpness."""

    bundle = SimpleNamespace(classes=CLASSES)

    def segment(self, scans):
        path = scans[0]
        array = np.asarray(Image.open(path)).T[..., None] if path.suffix == ".png" else np.asarray(nibabel.load(path).dataobj)
        features = {"sureness": float(array.std()), "shape_numbers": [float(array.mean())]}
        mask = nibabel.Nifti1Image((array > 100).astype(np.uint8), np.eye(4))
        return [SimpleNamespace(error=None, mask=mask, record={"quality": {"features": features}})]


@pytest.fixture
def data(tmp_path):
    label = np.zeros((30, 20), np.uint8)
    label[5:20, 5:15] = 1
    Image.fromarray(label.T * 200).save(tmp_path / "a.png")
    Image.fromarray(label.T).save(tmp_path / "a_label.png")
    nibabel.save(nibabel.Nifti1Image(np.stack([label * 200.0] * 2, -1), np.eye(4)), tmp_path / "b.nii.gz")
    truth = np.stack([label] * 2, -1)
    truth[:8, :, 0] = 255  # passed over, as what may be one of several classes
    truth[:8, :, 1] = 9
    nibabel.save(nibabel.Nifti1Image(truth, np.eye(4)), tmp_path / "b_label.nii.gz")
    entries = [{"image": "a.png", "label": "a_label.png"}, {"image": "b.nii.gz", "label": "b_label.nii.gz", "subject": "bea"}]
    (tmp_path / "dataset.json").write_text(
        json.dumps({"labels": CLASSES | {"8": "other", "9": "organ or other"}, "training": [], "test": entries})
    )
    return tmp_path


def test_undamaged_cases_of_every_format_have_their_dice(data):
    found = list(judge_cases(Threshold(), data, load_data_list(data, "test"), 3, 0, lambda text: None))
    assert [case.subject for case in found] == ["a"] * 4 + ["bea"] * 4
    assert [case.dice for case in found if case.kind == "none"] == [1.0, 1.0]
    assert min(case.dice for case in found) < 0.8
    write_results(data / "t.csv", found)
    assert (data / "t.csv").read_text().splitlines()[0] == "subject,damage,dice,sureness,shape_numbers"
    assert [(case.subject, case.kind, case.features) for case in read_results(data / "t.csv")] == [
        (case.subject, case.kind, case.features) for case in found
    ]
    with pytest.raises(UserError, match="not a table of results"):
        read_results(data / "dataset.json")


def test_subjects_that_a_spreadsheet_would_evaluate_are_read_back(tmp_path):
    write_results(tmp_path / "t.csv", [Judged(name, "none", 1.0, {"sureness": 1.0}) for name in ("=1+1", "-a", "7")])
    assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("'=1+1,")
    assert [case.subject for case in read_results(tmp_path / "t.csv")] == ["=1+1", "-a", "7"]


def test_nothing_is_to_be_found_in_foreign_images(data):
    found = list(judge_cases(Threshold(), data, load_data_list(data, "test"), 0, 0, lambda text: None, kind="foreign"))
    assert [(case.kind, case.dice) for case in found] == [("foreign", 0.0)] * 2 and len({case.subject for case in found}) == 2
    nibabel.save(nibabel.Nifti1Image(np.zeros((30, 20, 2), np.float32), np.eye(4)), data / "b.nii.gz")
    told = []
    entries = load_data_list(data, "test")[1:]
    assert not list(judge_cases(Threshold(), data, entries, 0, 0, told.append, kind="foreign"))
    assert told[0] == "b.nii.gz, foreign: nothing found, nothing to find"


def judged(count=60):
    rng = np.random.default_rng(0)
    for index in range(count):
        score = rng.uniform(0.5, 1)
        features = {"sureness": score + 0.02 * rng.standard_normal(), "shape_numbers": [1 + 5 * (1 - score), 2.0]}
        yield Judged(f"subject {index % 6}", "none", score, features)


def test_what_is_learnt_tells_good_from_bad_and_is_what_the_handler_reads():
    cases = list(judged())
    usual = usual_vectors([case for case in cases if case.dice > 0.9])
    result = calibrate(cases, usual)
    assert result.area > 0.97 and result.caught > 0.9 and result.subjects == 6 and result.bad == sum(c.dice < 0.8 for c in cases)
    model = QualityModel(json.loads(json.dumps(result.content)))
    good, bad = (model({"sureness": s, "shape": d}) for s, d in ((0.98, 0.1), (0.6, 3.0)))
    assert good.value > 0.9 > 0.1 > bad.value and bad.doubtful and not good.doubtful


def test_too_little_to_learn_from(data):
    with pytest.raises(UserError, match="1 subjects, 1 good and 0 bad results: too few"):
        calibrate([Judged("a", "none", 0.9, {"sureness": 1.0})], {})
    with pytest.raises(UserError, match="section 'training' is empty"):
        load_data_list(data, "training")
    with pytest.raises(UserError, match=r"none/dataset.json: not found"):
        load_data_list(data / "none", "test")


def test_a_data_set_without_test_cases_is_said_to_have_none(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"training": [], "test": []}))
    with pytest.raises(UserError, match="section 'test' is empty"):
        load_data_list(tmp_path, "test")
    assert load_data_list(tmp_path, "test", may_be_empty=True) == load_data_list(tmp_path, "validation", may_be_empty=True) == []


def test_a_quality_is_checked_on_people_that_it_was_not_learnt_from():
    content = {"bias": 0, "weights": {"appearance": -1}, "usual": {"appearance": 0}, "doubtful_below": 0.25}
    rows = [(0.9, 0.1), (0.9, 0.2), (0.9, 0.3), (0.9, 2.0), (0.5, 3.0), (0.5, 0.9)]  # Dice, how unlike the image is
    found = check([Judged(f"subject {n % 3}", "none", dice, {"appearance": far}) for n, (dice, far) in enumerate(rows)], content)
    assert (found.subjects, found.good, found.bad) == (3, 4, 2)
    assert found.area == pytest.approx(7 / 8) and found.caught == 0.5  # 15 % of the good ones are below 0.257
    assert (found.doubtful_bad, found.doubtful_good) == (0.5, 0.25)
    assert "6 results of 3 subjects, 2 with a Dice below 0.8: area under the ROC 0.875" in str(found)
    alone = check([Judged("a", "none", 0.9, {"appearance": 0.1})], content)
    assert np.isnan(alone.area) and np.isnan(alone.doubtful_bad) and alone.doubtful_good == 0
    with pytest.raises(UserError, match="no quality to check"):
        check([Judged("a", "none", 0.9, {})], {})


def test_limits_doubt_what_looks_unlike_the_images_in_training():
    rng = np.random.default_rng(0)
    vectors = [{"appearance": vector} for vector in rng.normal((0, 1, 2), 0.1, (20, 3))]
    content = limits(vectors, empty_is_odd=True)
    assert content["limits"].keys() == {"appearance", "sureness"} and "weights" not in content
    model = QualityModel(content)
    usual, odd = ({"sureness": 0.9, "appearance": distance(np.array(v), content["appearance"])} for v in ((0, 1, 2), (0, 2, 2)))
    assert not model(usual).doubtful and model(usual).value is None
    assert model(odd).doubtful and model(odd).reason == "the image looks unlike those in training"
    assert model(usual | {"sureness": 0.0}).doubtful and limits(vectors, False)["limits"].keys() == {"appearance"}
    forms = [one | {"extent": vector} for one, vector in zip(vectors, rng.normal((7, 5), 0.1, (20, 2)), strict=True)]
    content = limits(forms, empty_is_odd=False)
    assert content["limits"].keys() == {"appearance", "extent"} and "in size and form" in content["about"]
    found = QualityModel(content)({"sureness": 0.0, "appearance": 0.5, "extent": distance(np.array((7, 6)), content["extent"])})
    assert found.doubtful and found.reason == "what the image shows differs in size or form from those in training"
    with pytest.raises(UserError, match="2 images: too few"):
        limits(vectors[:2], True)


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (("DATA", "--limits", "--results", "t.csv"), "--results: without effect beside --limits"),
        (("DATA", "--limits", "--foreign", "x", "--weights", "w.pt"), "--foreign, --weights: without effect beside --limits"),
        (("DATA", "--limits", "--check", "--training", "test"), "--training: without effect beside --limits --check"),
        (("DATA", "--limits", "--copies", "4"), "--copies: without effect beside --limits"),
        (("DATA", "--limits", "--doubts-only", "--table", "t.csv"), "--doubts-only, --table: without effect beside --limits"),
        (("DATA", "--check", "--training", "training"), "--training: without effect beside --check"),
        (("DATA", "--check", "--most", "9"), "--most: without effect beside --check"),
        (("--check", "--doubts-only", "--results", "t.csv"), "--doubts-only: without effect beside --check"),
        (("DATA", "--results", "t.csv"), "DATA: without effect beside --results"),
        (("--results", "t.csv", "--weights", "w.pt"), "--weights: without effect beside --results"),
        (("--results", "t.csv", "--section", "test", "--seed", "3"), "--section, --seed: without effect beside --results"),
        (("--limits",), "nothing to learn from"),
        ((), "nothing to learn from"),
    ],
)
def test_what_would_be_without_effect_is_refused(tools, data, monkeypatch, arguments, refused):
    monkeypatch.chdir(data)
    code, printed = tools("calibrate", "chest", *(str(data) if part == "DATA" else part for part in arguments), "-o", "q.json")
    assert code == 2 and refused in printed and not (data / "q.json").exists()


def test_limits_and_checks_from_the_command_line(tools, tmp_path):
    """Limits are written from images of training alone; results of a table are fitted and checked."""
    assert tools("phantom", "spinal_cord", tmp_path / "data", "--cases", 5)[0] == 0
    code, printed = tools("calibrate", "spinal_cord", tmp_path / "data", "--limits", "-o", tmp_path / "l.json")
    assert code == 0 and "from 3 images in training" in printed, printed
    assert json.loads((tmp_path / "l.json").read_text())["limits"].keys() == {"appearance", "sureness"}
    code, printed = tools("calibrate", "spinal_cord", tmp_path / "data", "--limits", "--check", "-o", tmp_path / "l.json")
    found = re.search(r"data: appearance ([0-9.]+); limit ([0-9.]+)\n", printed)
    limit = json.loads((tmp_path / "l.json").read_text())["limits"]["appearance"]
    assert code == 0 and 0 < float(found[1]) < 3 and float(found[2]) == limit
    path = tmp_path / "data" / "dataset.json"
    content = json.loads(path.read_text())
    bare = {name: [{"image": entry["image"]} for entry in content[name]] for name in ("training", "test")}
    path.write_text(json.dumps(content | bare))  # labels are not asked for
    for options in ([], ["--check"]):
        code, again = tools("calibrate", "spinal_cord", tmp_path / "data", "--limits", *options, "-o", tmp_path / "l.json")
        assert code == 0, again
    assert again == printed
    people = [Judged(case.subject, "training", case.dice, case.features) for case in judged() if case.dice > 0.9]
    write_results(tmp_path / "t.csv", [*people, *judged()])
    code, printed = tools("calibrate", "chest", "--results", tmp_path / "t.csv", "--doubts-only", "-o", tmp_path / "q.json")
    assert code == 0 and json.loads((tmp_path / "q.json").read_text())["doubts_only"] is True, printed
    code, printed = tools("calibrate", "chest", "--check", "--results", tmp_path / "t.csv", "-o", tmp_path / "q.json")
    assert code == 0 and printed.startswith("all: 60 results of 6 subjects"), printed
