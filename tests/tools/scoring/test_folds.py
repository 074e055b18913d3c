"""Folds that keep subjects together."""

import pytest

from custom_networks.errors import UserError
from tools.scoring.folds import make_folds, subject_of


def entry(name, **more):
    return {"image": f"images/{name}_image.nii.gz", "label": f"labels/{name}.nii.gz"} | more


SECTIONS = {
    "training": [entry("p1_a"), entry("p1_b"), entry("p2_a"), entry("phantom_000", weight=0.5)],
    "validation": [entry("phantom_001")],
    "test": [entry("p3_a")],
}


def names(entries):
    return [item["image"].removeprefix("images/").removesuffix("_image.nii.gz") for item in entries]


@pytest.mark.parametrize(
    ("item", "pattern", "expected"),
    [
        (entry("p1_a", subject="seven"), None, "seven"),
        (entry("p1_a"), None, "p1_a_image"),
        (entry("p1_a"), r"p\d", "p1"),
        (entry("p1_a"), r"(p\d)_|(q\d)_", "p1"),
        (entry("q1_a"), r"(p\d)_|(q\d)_", "q1"),
        (entry("phantom_000"), r"(p\d)_", None),
        ({"image": ["x/p4_flair.nii.gz", "x/p4_t1.nii.gz"], "label": "l"}, r"p\d", "p4"),
        ({"image": [None, "x/p4_t1.nii.gz"], "label": "l"}, r"p\d", "p4"),
    ],
)
def test_whom_an_entry_is_of(item, pattern, expected):
    assert subject_of(item, pattern) == expected


def test_each_subject_is_left_out_once_and_phantoms_train_always():
    folds = make_folds(SECTIONS, "subjects", r"(p\d)_")
    assert [fold.name for fold in folds] == ["p1", "p2", "p3"]
    assert [names(fold.sections["test"]) for fold in folds] == [["p1_a", "p1_b"], ["p2_a"], ["p3_a"]]
    for fold in folds:
        assert "phantom_000" in names(fold.sections["training"])
        assert names(fold.sections["validation"]) == ["phantom_001"]
        assert not {*names(fold.sections["training"])} & {*names(fold.sections["test"])}


def test_cases_of_the_test_train_as_often_as_others_and_never_without_a_subject():
    training = [entry("p1_a", weight=0.2), entry("phantom_000", weight=0.4)]
    folds = make_folds(
        {"training": training, "validation": [entry("v")], "test": [entry("p2_a"), entry("phantom_002")]}, 2, r"(p\d)_"
    )
    drawn = {names([item])[0]: item["weight"] for item in folds[0].sections["training"]}
    assert drawn == {"phantom_000": 0.4, "p2_a": pytest.approx(0.3)}
    assert names(folds[1].sections["training"]) == ["p1_a", "phantom_000"]


def test_a_number_of_folds_deals_subjects_out():
    folds = make_folds(SECTIONS, 2, r"(p\d)_")
    assert [fold.subjects for fold in folds] == [("p1", "p3"), ("p2",)]
    assert len(folds[1].sections["training"]) == 4


def test_without_a_validation_some_of_the_training_validate():
    sections = {"training": [entry(f"c{n:02d}") for n in range(24)], "validation": [], "test": []}
    for fold in make_folds(sections, 4):
        parts = [set(names(fold.sections[name])) for name in ("training", "validation", "test")]
        assert parts[1] and sum(map(len, parts)) == len(set.union(*parts)) == 24


@pytest.mark.parametrize(
    ("folds", "pattern", "problem"),
    [
        ("subjects", "phantom", "1 subjects"),
        ("subjects", "nobody", "0 subjects"),
        (4, r"(p\d)_", "4 folds of 3"),
        (1, None, "1 folds"),
        (2, "(", "regular expression"),
    ],
)
def test_what_cannot_be_divided_is_said(folds, pattern, problem):
    with pytest.raises(UserError, match=problem):
        make_folds(SECTIONS, folds, pattern)


def test_subjects_that_differ_in_a_sign_have_folders_of_their_own():
    entries = [{"image": f"{name}.png", "label": 1} for name in ("a-1", "a_1", "b")]
    folds = make_folds({"training": entries, "validation": [], "test": []}, "subjects")
    assert len({fold.name for fold in folds}) == 3
