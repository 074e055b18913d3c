"""The shipped weights score what they scored, on phantoms with exact labels."""

import json

import nibabel
import numpy as np
import pytest
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS, MUSCLES, VERTEBRAE
from rich.console import Console

from custom_networks.metrics.vertebra_scores import match_vertebrae
from tools.bundles import Bundle
from tools.datasets.digits import prepare_digits
from tools.phantoms.write import WRITERS, write_spine_phantoms
from tools.results.segmenting import segment_cases
from tools.scoring.dice import class_dice, images_of, label_of

QUIET = Console(quiet=True)


@pytest.mark.parametrize(
    ("folder", "kind", "count", "least"),
    [
        (GRAY_MATTER, "t2star", 4, 0.8),
        (GRAY_MATTER, "mt", 4, 0.8),
        (CHEST, None, 4, 0.5),
        (MUSCLES, None, 4, 0.8),
        (LESIONS, None, 2, 0.45),
    ],
    ids=["gray matter, T2*", "gray matter, MT", "chest", "muscles", "lesions"],
)
def test_label_maps_of_phantoms(tmp_path, folder, kind, count, least):
    bundle = Bundle(folder)
    WRITERS[bundle.name](tmp_path, count, 900, kind=kind)
    results = segment_cases(bundle, images_of(tmp_path), tmp_path / "out", False, {}, QUIET, QUIET)
    scores = []
    for case in results:
        scores += class_dice(tmp_path / "out" / f"{case.name}_seg.nii.gz", label_of(tmp_path, case.name), bundle.classes)
    assert len(results) == count and np.mean(scores) > least


def test_no_lesions_in_no_lesions_out(tmp_path):
    bundle = Bundle(LESIONS)
    WRITERS[bundle.name](tmp_path, 2, 900, kind="healthy")
    results = segment_cases(bundle, images_of(tmp_path), tmp_path / "out", False, {}, QUIET, QUIET)
    found = [json.loads((tmp_path / "out" / f"{case.name}_seg.json").read_text())["lesions"] for case in results]
    assert len(found) == 2 and all(len(lesions) < 3 for lesions in found)


def test_vertebrae_of_phantoms(tmp_path):
    write_spine_phantoms(tmp_path, 2, seed=900, kind="abdomen")
    matches = []
    for case in segment_cases(Bundle(VERTEBRAE), images_of(tmp_path), tmp_path / "out", False, {}, QUIET, QUIET):
        mask = nibabel.load(tmp_path / "out" / f"{case.name}_seg.nii.gz")
        truth = nibabel.load(label_of(tmp_path, case.name))
        matches += match_vertebrae(np.asarray(mask.dataobj), np.asarray(truth.dataobj), (2.0, 2.0, 2.0))
    true = [match for match in matches if match.truth]
    assert len(true) >= 12
    assert np.mean([match.dice for match in true]) > 0.8
    assert np.mean([match.iou >= 0.5 for match in true]) > 0.9


def test_digits_of_the_held_out_fifth(tmp_path):
    entries = json.loads(prepare_digits(tmp_path).read_text())["test"][:100]
    paths = [tmp_path / entry["image"] for entry in entries]
    segment_cases(Bundle(DIGITS), paths, tmp_path / "out", False, {}, QUIET, QUIET)
    answers = [json.loads((tmp_path / "out" / f"{path.stem}_pred.json").read_text())["class"] for path in paths]
    right = sum(answer == entry["label"] for answer, entry in zip(answers, entries, strict=True))
    assert right >= 97
