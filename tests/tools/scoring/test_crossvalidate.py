"""Folds that are trained and scored."""

import csv
import json
import os
import shutil
import subprocess
import sys
from typing import ClassVar

import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from custom_networks.errors import UserError
from tests.conftest import DIGITS, REPOSITORY
from tools.bundles import Bundle
from tools.datasets.digits import prepare_digits
from tools.scoring.crossvalidate import CrossValidation, summary


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Sixty digits of six writers, so to speak."""
    folder = tmp_path_factory.mktemp("digits")
    path = prepare_digits(folder, 0, False)
    content = json.loads(path.read_text())
    entries = [entry | {"subject": f"writer {n % 6}"} for n, entry in enumerate(content["training"][:60])]
    path.write_text(json.dumps(content | {"training": entries, "validation": content["validation"][:5], "test": []}))
    return folder


def test_the_command_trains_scores_and_goes_on(digits, tmp_path):
    """As a user types it; the second time nothing is trained."""
    command = [sys.executable, "-m", "tools", "crossvalidate", "digits", str(digits), "-o", str(tmp_path), "--folds", "2"]
    command += ["--jobs", "2", "--set", "max_epochs=1", "--set", "val_interval=1"]
    first = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stderr.count("training on") == first.stderr.count("scoring") == 2
    with (tmp_path / "crossvalidation.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 60
    assert {row["subject"] for row in rows} == {f"writer {n}" for n in range(6)}
    assert "accuracy: " in first.stdout and "n = 6" in first.stdout
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert again.returncode == 0 and "training on" not in again.stderr
    assert again.stdout == first.stdout


class Recorded(CrossValidation):
    """Trains and scores by writing files."""

    failing = ""

    def _start(self, run_id, fold, configs, settings):
        self.calls = [*getattr(self, "calls", []), (run_id, fold.name)]
        self.ckpt = settings.get("ckpt")
        folder = settings["output_dir"]
        folder.mkdir(parents=True, exist_ok=True)
        if fold.name == self.failing:
            return False
        if run_id == "training":
            (folder / "model.pt").touch()
        else:
            rows = "\n".join(f"{entry['label']},0.5" for entry in fold.sections["test"])
            (folder / "accuracy.csv").write_text(f"case,accuracy\n{rows}\nmean,0.5\n")
        return True


def test_a_fold_that_fails_keeps_the_others(digits, tmp_path):
    validation = Recorded(Bundle(DIGITS), digits, tmp_path, 3)
    validation.failing = "2"
    with pytest.raises(UserError, match="1 of 3 folds failed: 2"):
        validation.run()
    validation.failing, validation.calls = "", []
    assert summary(validation.run())[0][0] == "accuracy"
    assert [name for _, name in validation.calls] == ["2", "2"]


def test_scores_of_other_weights_are_made_anew(digits, tmp_path):
    validation = Recorded(Bundle(DIGITS), digits, tmp_path, 2)
    validation.run()
    validation.calls = []
    os.utime(tmp_path / "fold_2" / "run" / "model.pt")  # touched, as git does
    (tmp_path / "fold_1" / "run" / "model.pt").write_text("others")
    validation.run()
    assert validation.calls == [("evaluating", "1")]


class Early(Recorded):
    """Keeps what a training had before late data came, and remembers what it began with."""

    def _start(self, run_id, fold, configs, settings):
        if run_id == "training":
            begun = settings["output_dir"] / "checkpoint.pt"
            self.began = [*getattr(self, "began", []), begun.read_text() if begun.exists() else None]
        done = super()._start(run_id, fold, configs, settings)
        if run_id == "training":
            (settings["output_dir"] / "checkpoint_early.pt").write_text(fold.name)
        return done


@pytest.mark.parametrize(("late", "began"), [(range(60), [None, "1", "1"]), (range(40), [None, None, None])])
def test_folds_that_differ_in_late_cases_alone_share_what_comes_before(digits, tmp_path, late, began):
    content = json.loads((digits / "dataset.json").read_text())
    entries = [entry | ({"after": 0.8} if n in late else {}) for n, entry in enumerate(content["training"])]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content | {"training": entries}))
    validation = Early(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 3)
    validation.run()
    assert validation.began == began


def test_folds_of_two_recipes_are_not_put_together(digits, tmp_path):
    """Nor does one begin with what another had before late cases came."""
    content = json.loads((digits / "dataset.json").read_text())
    entries = [entry | {"after": 0.8} for entry in content["training"]]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content | {"training": entries}))
    Early(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2).run()
    shutil.rmtree(tmp_path / "out" / "fold_2" / "run")
    validation = Early(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2, settings={"learning_rate": "0.1"})
    with pytest.raises(UserError, match="fold_1: holds a training of other data, configs or settings"):
        validation.run()


def test_lesions_of_who_is_left_out_are_not_painted(digits, tmp_path):
    """Nor is a folder of none a fault."""
    data = tmp_path / "data"
    (data / "priors").mkdir(parents=True)
    shutil.copy(digits / "dataset.json", data)
    folds = CrossValidation(Bundle(DIGITS), data, tmp_path / "none", 2).folds
    for fold in folds:
        save_nifti(data / "priors" / f"{fold.subjects[0]}_mask.nii.gz", np.ones((2, 2, 2), np.uint8))
    CrossValidation(Bundle(DIGITS), data, tmp_path / "out", 2)
    for fold, other in (folds, folds[::-1]):
        painted = tmp_path / "out" / f"fold_{fold.name}" / "dataset" / "priors"
        assert [path.name for path in painted.iterdir()] == [f"{other.subjects[0]}_mask.nii.gz"]


def test_a_fold_that_may_paint_no_lesion_trains_without(digits, tmp_path):
    """An empty folder of lesions is an error in training."""
    data = tmp_path / "data"
    (data / "priors").mkdir(parents=True)
    shutil.copy(digits / "dataset.json", data)
    first, _ = CrossValidation(Bundle(DIGITS), data, tmp_path / "none", 2).folds
    save_nifti(data / "priors" / f"{first.subjects[0]}_mask.nii.gz", np.ones((2, 2, 2), np.uint8))
    CrossValidation(Bundle(DIGITS), data, tmp_path / "out", 2)
    there = [(tmp_path / "out" / f"fold_{fold}" / "dataset" / "priors").exists() for fold in "12"]
    assert there == [first.name != "1", first.name != "2"]


def test_folds_have_the_lesions_to_paint_that_the_data_set_has(digits, tmp_path):
    """Without them folds were trained on other patches than what they stand for."""
    data = tmp_path / "data"
    (data / "priors").mkdir(parents=True)
    shutil.copy(digits / "dataset.json", data)
    save_nifti(data / "priors" / "patient01.nii.gz", np.ones((2, 2, 2), np.uint8))
    CrossValidation(Bundle(DIGITS), data, tmp_path / "out", 2)
    for fold in "12":
        assert [path.name for path in (tmp_path / "out" / f"fold_{fold}" / "dataset" / "priors").iterdir()] == ["patient01.nii.gz"]


@pytest.fixture
def painted(digits, tmp_path):
    """A data set with a mask of lesions of nobody who is scored, and one of a writer."""
    data = tmp_path / "data"
    (data / "priors").mkdir(parents=True)
    shutil.copy(digits / "dataset.json", data)
    for name in ("patient01", "writer 0"):
        save_nifti(data / "priors" / f"{name}.nii.gz", np.ones((2, 2, 2), np.uint8))
    return data


@pytest.mark.parametrize("change", ["overwritten", "added", "removed"])
def test_lesions_to_paint_that_have_changed_are_noticed(painted, tmp_path, change):
    """Folds of both were told as of one recipe."""
    Recorded(Bundle(DIGITS), painted, tmp_path / "out", 2).run()
    Recorded(Bundle(DIGITS), painted, tmp_path / "out", 2).run()
    if change == "removed":
        (painted / "priors" / "patient01.nii.gz").unlink()
    else:
        name = "patient01" if change == "overwritten" else "patient02"
        save_nifti(painted / "priors" / f"{name}.nii.gz", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(UserError, match=r"on priors before it was changed .*add --weights"):
        Recorded(Bundle(DIGITS), painted, tmp_path / "out", 2).run()
    Recorded(Bundle(DIGITS), painted, tmp_path / "out", 2, weights=tmp_path / "out").run()


def test_lesions_to_paint_that_change_before_anything_is_learnt_are_taken(painted, tmp_path):
    """Folds kept copies of what there was before."""
    CrossValidation(Bundle(DIGITS), painted, tmp_path / "out", 2)
    save_nifti(painted / "priors" / "patient01.nii.gz", np.zeros((2, 2, 2), np.uint8))
    (painted / "priors" / "writer 0.nii.gz").unlink()
    Recorded(Bundle(DIGITS), painted, tmp_path / "out", 2).run()
    for fold in "12":
        masks = list((tmp_path / "out" / f"fold_{fold}" / "dataset" / "priors").iterdir())
        assert [mask.name for mask in masks] == ["patient01.nii.gz"] and not np.any(nibabel.load(masks[0]).dataobj)


def test_a_fold_does_not_go_on_from_lesions_of_who_it_leaves_out(painted, tmp_path):
    """The folds before had painted them."""
    content = json.loads((painted / "dataset.json").read_text())
    late = [entry | {"after": 0.8} for entry in content["training"]]
    (painted / "dataset.json").write_text(json.dumps(content | {"training": late}))
    validation = Early(Bundle(DIGITS), painted, tmp_path / "out", 3)
    validation.run()
    left_out = [fold.name for fold in validation.folds if "writer 0" in fold.subjects]
    assert left_out == ["1"] and validation.began == [None, None, "2"]


def test_a_fold_that_is_done_without_weights_is_trained_again(digits, tmp_path):
    """Nothing but deleting its folder helped."""
    Recorded(Bundle(DIGITS), digits, tmp_path, 2).run()
    (tmp_path / "fold_2" / "run" / "model.pt").unlink()
    validation = Recorded(Bundle(DIGITS), digits, tmp_path, 2)
    validation.run()
    assert validation.calls == [("training", "2")]


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in "12":
        (folder / f"{name}.pt").write_text(name)
    return folder


def test_weights_that_are_there_are_scored_without_training(digits, tmp_path, weights):
    validation = Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, weights=weights)
    validation.run()
    assert validation.calls == [("evaluating", "1"), ("evaluating", "2")] and validation.ckpt == weights / "2.pt"
    validation.calls = []
    validation.run()
    assert validation.calls == []
    (weights / "1.pt").write_text("others")
    validation.run()
    assert validation.calls == [("evaluating", "1")]


def test_weights_of_an_earlier_run_are_found(digits, tmp_path):
    Recorded(Bundle(DIGITS), digits, tmp_path / "first", 2).run()
    validation = Recorded(Bundle(DIGITS), digits, tmp_path / "second", 2, weights=tmp_path / "first")
    validation.run()
    assert {run for run, _ in validation.calls} == {"evaluating"}


def test_weights_of_a_fold_that_lack_are_named(digits, tmp_path, weights):
    (weights / "2.pt").unlink()
    with pytest.raises(UserError, match="no weights of fold 2"):
        Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, weights=weights)


def test_other_settings_are_scored_anew(digits, tmp_path, weights):
    Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, weights=weights).run()
    other = Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, weights=weights, settings={"size": "28"})
    other.run()
    assert len(other.calls) == 2


class Thresholds(Recorded):
    """The best threshold of each fold's cases is its own; what is lost is the square of the distance to it."""

    best: ClassVar[dict[str, float]] = {"1": 0.5, "2": 0.8, "3": 0.6}

    def _start(self, run_id, fold, configs, settings):
        super()._start(run_id, fold, configs, settings)
        accuracy = round(1 - (self.best[fold.name] - float(settings["size"])) ** 2, 6)
        rows = "\n".join(f"{entry['label']},{accuracy}" for entry in fold.sections["test"])
        (settings["output_dir"] / "accuracy.csv").write_text(f"case,accuracy\n{rows}\nmean,{accuracy}\n")
        return True


def test_a_setting_is_chosen_for_each_fold_by_the_others(digits, tmp_path, weights):
    """What a fold leaves out has no say: folds 1 and 2 are scored at what is the worse of the two for them."""
    (weights / "3.pt").touch()
    validation = Thresholds(Bundle(DIGITS), digits, tmp_path / "out", 3, weights=weights, choose=("size", ["0.5", "0.7"]))
    with validation.run().open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["fold"], row["chosen size"], row["accuracy"]) for row in rows} == {
        ("1", "size = 0.7", "0.96"), ("2", "size = 0.5", "0.91"), ("3", "size = 0.7", "0.99"),
    }  # fmt: skip
    assert [name for name, _ in summary(tmp_path / "out" / "crossvalidation.csv")] == ["accuracy"]
    assert {row["accuracy"] for row in validation.tables()["0.5"] if row["fold"] == "1"} == {"1.0"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--choose", "threshold"], "not of the form"),
        (["--choose", "threshold=0.5"], "fewer than two values"),
        (["--weights", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_wrong_choices_are_said(digits, tmp_path, options, text):
    from typer.testing import CliRunner

    from tools.cli.app import app

    result = CliRunner().invoke(app, ["crossvalidate", "digits", str(digits), "-o", str(tmp_path / "out"), *options])
    assert result.exit_code and text in str(result.exception or result.output)


def test_folds_of_other_cases_are_not_mixed_up(digits, tmp_path):
    Recorded(Bundle(DIGITS), digits, tmp_path, 2)
    with pytest.raises(UserError, match="other cases"):
        Recorded(Bundle(DIGITS), digits, tmp_path, 3)


def test_scores_by_other_labels_are_not_told(digits, tmp_path):
    """A list whose labels were mended was told the scores by those before."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "dataset.json"
    path.write_text((digits / "dataset.json").read_text())
    Recorded(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2)
    Recorded(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2)
    content = json.loads(path.read_text())
    content["training"][0]["label"] = 7 - content["training"][0]["label"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="other cases or labels"):
        Recorded(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2)


def test_an_overlay_that_was_edited_is_another_recipe(digits, tmp_path, weights):
    """Trainings and scores by what it was before were told as its own."""
    overlay = tmp_path / "o.json"
    overlay.write_text('{"size": 32}')
    Recorded(Bundle(DIGITS), digits, tmp_path / "trained", 2, overlays=[str(overlay)]).run()
    Recorded(Bundle(DIGITS), digits, tmp_path / "scored", 2, overlays=[str(overlay)], weights=weights).run()
    overlay.write_text('{"size": 12}')
    with pytest.raises(UserError, match="holds a training of other data, configs or settings"):
        Recorded(Bundle(DIGITS), digits, tmp_path / "trained", 2, overlays=[str(overlay)]).run()
    scored = Recorded(Bundle(DIGITS), digits, tmp_path / "scored", 2, overlays=[str(overlay)], weights=weights)
    scored.run()
    assert scored.calls == [("evaluating", "1"), ("evaluating", "2")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("o.json", "{broken", "line 1"), ("o.json", "[1]", "no ids"), ("o.json", '{"+size": [1]}', "size"), ("o.txt", "{}", "o.txt")],
)
def test_an_overlay_that_is_no_config_is_named(digits, tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"{name}: is no config \(.*{said}"):
        Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, overlays=[str(tmp_path / name)])


@pytest.mark.parametrize("content", ["no json", "[]", '{"training": [{"label": 1}]}', '{"training": 3}'])
def test_a_list_that_is_none_is_said(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(UserError, match="no data list"):
        Recorded(Bundle(DIGITS), tmp_path, tmp_path / "out", 2)


def test_no_data_set_and_no_overlay_are_said(digits, tmp_path):
    with pytest.raises(UserError, match="not found"):
        Recorded(Bundle(DIGITS), tmp_path, tmp_path / "out", 2)
    with pytest.raises(UserError, match="no such config"):
        Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, overlays=["nothing"])


def test_trainings_by_other_settings_are_not_told_as_these(digits, tmp_path):
    """What was done by one recipe was kept and told as that of another."""
    Recorded(Bundle(DIGITS), digits, tmp_path, 2, settings={"max_epochs": "1"}).run()
    other = Recorded(Bundle(DIGITS), digits, tmp_path, 2, settings={"max_epochs": "50"})
    with pytest.raises(UserError, match="holds a training of other data, configs or settings"):
        other.run()
    Recorded(Bundle(DIGITS), digits, tmp_path, 2, settings={"max_epochs": "50"}, weights=tmp_path).run()


def test_the_tables_of_a_readme_are_written(digits, tmp_path):
    Recorded(Bundle(DIGITS), digits, tmp_path, 2).run()
    lines = (tmp_path / "crossvalidation.md").read_text().splitlines()
    assert lines[2] == "| accuracy | 6 | 0.500 | 0.000 | 0.500 to 0.500 | 0.500 |"
    assert lines[4] == "| fold | subject | case | accuracy |" and len(lines) == 6 + 60


def test_the_class_of_a_picture_is_no_score():
    from tools.scoring.spread import main_score, score_names, score_table

    rows = [{"case": "a", "subject": "a", "accuracy": "0", "label": "4", "predicted": "7"}]
    assert score_names(rows) == ["accuracy"]
    assert score_table(rows).splitlines()[2] == "| accuracy | 1 | 0.000 |  |  | 0.000 |"
    assert main_score([{"case": "a", "left": "1", "mean": "0.5"}]) == "mean"


def test_images_of_one_name_keep_their_subjects(digits, tmp_path):
    """``p1/t2.png`` and ``p2/t2.png``: rows of one were told as the other's, and n was too small."""
    (tmp_path / "data").mkdir()
    entries = [{"image": f"p{n}/t2.png", "label": 7, "subject": f"p-{n}"} for n in range(4)]
    content = {"training": entries, "validation": [], "test": []}
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content))
    table = Recorded(Bundle(DIGITS), tmp_path / "data", tmp_path / "out", 2).run()
    with table.open(newline="") as stream:
        assert sorted(row["subject"] for row in csv.DictReader(stream)) == ["p-0", "p-1", "p-2", "p-3"]


def test_a_fold_of_which_a_case_was_not_scored_is_said(digits, tmp_path):
    validation = Recorded(Bundle(DIGITS), digits, tmp_path, 2)
    validation.run()
    table = tmp_path / "fold_1" / "eval" / "accuracy.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-5]) + "\n")
    with pytest.raises(UserError, match="scores of 26 cases, where 30 are tested"):
        validation.run()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"max_epoch": "50"}, "--set max_epoch: no such id of handwritten_digits_classification. Perhaps: max_epochs"),
        ({"network_def#nothing#x": "1"}, "no such id"),
        ({"output_dir": "x"}, "each training has its own"),
    ],
)
def test_settings_that_would_change_nothing_are_refused(digits, tmp_path, settings, text):
    """MONAI takes any name: a misspelt one trained as if it were not there."""
    with pytest.raises(UserError, match=text):
        Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, settings=settings)
    assert not (tmp_path / "out").exists()
    Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, settings={"network_def#num_classes": "10", "optimizer::eps": "1"})


def test_a_choice_of_what_there_is_not_is_refused(digits, tmp_path):
    with pytest.raises(UserError, match="--choose threshold: no such id"):
        Recorded(Bundle(DIGITS), digits, tmp_path / "out", 2, choose=("threshold", ["0.5", "0.6"]))


@pytest.fixture
def maps(tmp_path):
    """Four cases with label maps, and one to validate on."""
    folder = tmp_path / "data"
    folder.mkdir()
    entries = [{"image": f"{name}.txt", "label": f"{name}_label.txt"} for name in "abcdv"]
    for entry in entries:
        for name in entry.values():
            (folder / name).write_text(name)
    content = {"training": entries[:4], "validation": entries[4:], "test": []}
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("name", ["a_label.txt", "c.txt", "v_label.txt"])
def test_trainings_on_files_that_have_changed_are_not_told_as_of_these(maps, tmp_path, name):
    """A label mended under its name was told the scores by the one before."""
    Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2).run()
    again = Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2)
    os.utime(maps / name)  # copied, or by git
    again.run()
    assert not hasattr(again, "calls")
    (maps / name).write_text("mended"[: len(name)].ljust(len(name)))  # of one size
    with pytest.raises(UserError, match=rf"fold_\d: holds a training on {name} before it was changed.*--weights"):
        Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2).run()


def test_scores_by_files_that_have_changed_are_made_anew(maps, tmp_path, weights):
    Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2, weights=weights).run()
    (maps / "a_label.txt").write_text("mended")  # of fold 1, with c
    other = Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2, weights=weights)
    other.run()
    assert other.calls == [("evaluating", "1")]


def test_scores_from_before_files_were_recorded_are_kept(maps, tmp_path, weights):
    Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2, weights=weights).run()
    for path in (tmp_path / "out").rglob("scored.json"):
        content = json.loads(path.read_text())
        assert content.pop("files")
        path.write_text(json.dumps(content))
    again = Recorded(Bundle(DIGITS), maps, tmp_path / "out", 2, weights=weights)
    again.run()
    assert not hasattr(again, "calls")
