"""Films of disease whose lungs go through the heart."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from custom_networks.errors import UserError
from tools.datasets.covid_films import partial_labels, prepare_covid_films, split_lungs


def mask_of_lungs(side=200):
    """A film's mask: two lungs, the patient's right one on the left, and a device."""
    mask = np.zeros((side, side), np.uint8)
    mask[20:160, 20:80] = 255
    mask[20:160, 110:180] = 255
    mask[60:70, 30:40] = 127
    return mask


@pytest.fixture
def films(tmp_path):
    """Six films of three patients."""
    source = tmp_path / "source"
    for part in ("images", "masks"):
        (source / part).mkdir(parents=True)
    rows = ["file,patientid,view"]
    for number in range(6):
        name = f"film{number}.png"
        Image.fromarray(np.full((200, 200), 40 * number, np.uint8)).save(source / "images" / name)
        Image.fromarray(mask_of_lungs()).save(source / "masks" / name)
        rows.append(f"{name},p{number // 2},PA")
    (source / "manifest.csv").write_text("\n".join(rows) + "\n")
    return source


def test_what_a_pixel_may_be():
    label = partial_labels(mask_of_lungs())
    assert label[30, 50] == 6 and label[30, 150] == 7  # lung or clavicle
    assert label[140, 25] == 1  # lung alone, beside the chest wall
    assert label[140, 75] == 8 and label[140, 120] == 9  # lung or heart
    assert label[140, 178] == 2
    assert label[5, 100] == 10  # above the lungs, a clavicle perhaps
    assert label[140, 95] == 11  # between them, the heart perhaps
    assert label[198, 95] == 0 and label[140, 5] == 0
    assert label[65, 35] == 12


def test_lungs_that_touch_are_parted_where_the_mask_is_thinnest():
    mask = mask_of_lungs() == 255
    mask[100:104, 80:110] = True  # a bridge
    right, left = split_lungs(mask)
    assert right[:, :80].sum() == mask[:, :80].sum()
    assert left[:, 110:].sum() == mask[:, 110:].sum()
    assert not (right & left).any() and ((right | left) == mask).all()


def test_slips_of_the_pen_are_no_lung():
    mask = mask_of_lungs() == 255
    mask[190:192, 100:102] = True
    right, left = split_lungs(mask)
    assert not (right | left)[190:].any()


@pytest.mark.parametrize("columns", [slice(0, 200), slice(100, 200), slice(0, 90)])
def test_a_film_without_two_lungs_is_refused(columns):
    mask = mask_of_lungs() == 255
    mask[:, columns] = False
    with pytest.raises(ValueError, match="lung"):
        split_lungs(mask[:, :])


def test_patients_stay_together(films, tmp_path):
    report = prepare_covid_films(films, tmp_path / "out", fold=(1, 3))
    content = json.loads(report.data_list.read_text())
    subjects = {name: {entry["subject"] for entry in content[name]} for name in ("training", "validation", "test")}
    assert subjects == {"training": {"p1"}, "validation": {"p2"}, "test": {"p0"}}
    assert len(content["test"]) == 2
    label = np.asarray(Image.open(tmp_path / "out" / content["test"][0]["label"]))
    assert np.array_equal(label, partial_labels(mask_of_lungs()))


@pytest.mark.parametrize(("test", "left"), [("*", []), ("p[01]", ["p2"])])
def test_patterns_of_patients_that_test(films, tmp_path, test, left):
    """The patients that validate were chosen among those whose names equal no pattern."""
    content = json.loads(prepare_covid_films(films, tmp_path / "out", test=[test]).data_list.read_text())
    assert len(content["test"]) == 6 - 2 * len(left) and not content["training"]
    assert {entry["subject"] for entry in content["validation"]} == set(left)


def test_films_that_are_not_there_are_left_out_by_name(films, tmp_path):
    (films / "masks" / "film3.png").unlink()
    report = prepare_covid_films(films, tmp_path / "out")
    assert len(report.cases) == 5
    assert report.left_out == ["film3.png: not in masks"]


def spoil(films, what):
    if what == "manifest":
        (films / "manifest.csv").unlink()
    elif what == "columns":
        (films / "manifest.csv").write_text("name,patient\na.png,1\n")
    elif what == "empty":
        (films / "manifest.csv").write_text("file,patientid\nno.png,1\n")
    elif what == "damaged":
        (films / "images" / "film0.png").write_bytes(b"no picture")
    elif what == "size":
        Image.fromarray(mask_of_lungs(150 + 50)[:100]).save(films / "masks" / "film0.png")
    elif what == "lungless":
        Image.fromarray(np.zeros((200, 200), np.uint8)).save(films / "masks" / "film0.png")


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("manifest", "not found"),
        ("columns", "no columns"),
        ("empty", "none of its films"),
        ("damaged", "cannot be read"),
        ("size", "200x100 pixels"),
        ("lungless", r"film0\.png: "),
    ],
)
def test_what_is_wrong_is_said_with_the_file(films, tmp_path, what, problem):
    spoil(films, what)
    with pytest.raises(UserError, match=problem):
        prepare_covid_films(films, tmp_path / "out")


def test_the_command(films, tmp_path):
    from tools.cli.app import app

    done = CliRunner().invoke(app, ["prepare", "covid-films", str(films), str(tmp_path / "out"), "--fold", "2/3"])
    assert done.exit_code == 0, done.output
    assert "2 training, 2 validation, 2 test" in done.output
