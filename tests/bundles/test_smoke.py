"""Each bundle as a user runs it: every command in its own process, the zip where the repository is not.

That trainings go on after an interruption, and run on two processes, is in test_interruption.py and test_many_processes.py.
"""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from bundle_runs import run_bundle, train_on_two_processes, unpacked
from small_data import CHEST, CORD, DIGITS, LESIONS, MUSCLES, SETTINGS, SPINE, write_small_data

from tools.bundles import Bundle, get_bundle
from tools.results.segmenting import segment_cases

pytestmark = pytest.mark.slow
SEGMENTATION = [name for name in SETTINGS if name != DIGITS]
COLUMNS = {SPINE: {"patch_dice", "completeness_accuracy", "label_error", "instance_dice", "identification_rate"}}
# Overlay of the source's own recipe, and what makes a run of it short; chest drops an incomplete batch.
RECIPES = {
    CORD: ("train_paper", {"batch_size": 2}),
    SPINE: ("train_paper", {"spacing": 2.0, "patch": 32, "network_def#filters": 4, "network_def#contractions": 1}),
    CHEST: ("train_seed", {"size": 64, "batch_size": 1}),
    MUSCLES: ("train_seed", {"size": 64, "batch_size": 2}),
    LESIONS: ("train_seed", {"batch_size": 2}),
}


@pytest.fixture(scope="module", params=SEGMENTATION, ids=lambda name: "_".join(name.split("_")[:2]))
def small(request, tmp_path_factory) -> tuple[Bundle, dict]:
    """A bundle, and settings of a short training on data that come with them."""
    return get_bundle(request.param), write_small_data(request.param, tmp_path_factory.mktemp("data"))


def table(path) -> list[dict]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_training_and_evaluation_in_the_folder(small, tmp_path):
    bundle, settings = small
    runs, results = tmp_path / "runs", tmp_path / "eval"
    run_bundle("training", ["configs/train.json"], bundle.folder, **settings, output_dir=runs)
    rows = table(runs / "curves.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss"} | COLUMNS.get(bundle.name, set()) <= rows[1].keys()
    for name in ("model.pt", "model_average.pt", "checkpoint.pt", "curves.png"):
        assert (runs / name).exists()
    assert list(runs.glob("events.out.tfevents.*"))
    settings = {"dataset_dir": settings["dataset_dir"], "output_dir": results, "ckpt": runs / "model.pt"}
    if bundle.name == SPINE:
        settings["patch"] = 32
    run_bundle("evaluating", ["configs/train.json", "configs/evaluate.json"], bundle.folder, **settings)
    rows = table(next(results.glob("*.csv")))
    assert len(rows) == 2 and rows[1]["case"] == "mean" and rows[0]["case"].startswith("phantom_002")


def test_zips_infer_as_the_folder_does_and_train_from_anywhere(small, tmp_path):
    bundle, settings = small
    root, images = unpacked(bundle.folder, tmp_path), tmp_path / "images"
    images.mkdir()
    for path in Path(settings["dataset_dir"]).glob("phantom_000_*"):
        if "_label." not in path.name:
            (images / path.name).write_bytes(path.read_bytes())
    config = [str(root / "configs" / "inference.json")]
    run_bundle("inference", config, images, bundle_root=root, input=images, output_dir=tmp_path / "zip")
    (case,) = segment_cases(bundle, [images], tmp_path / "folder")
    first, second = (np.asarray(nibabel.load(tmp_path / out / f"{case.name}_seg.nii.gz").dataobj) for out in ("zip", "folder"))
    assert np.array_equal(first, second) and first.any()
    settings = settings | {"max_epochs": 1, "output_dir": tmp_path / "runs", "pretrained": root / "models" / "model.pt"}
    run_bundle("training", [str(root / "configs" / "train.json")], images, bundle_root=root, **settings)
    assert (tmp_path / "runs" / "model.pt").exists()


def test_training_by_the_sources_recipe(small, tmp_path):
    bundle, settings = small
    overlay, short = RECIPES[bundle.name]
    settings = {"dataset_dir": settings["dataset_dir"], "val_interval": 2, "max_epochs": 1, "epoch_length": 2} | short
    configs = ["train", overlay, *(["fully_conv"] if bundle.name == CHEST else [])]
    run_bundle("training", [f"configs/{name}.json" for name in configs], bundle.folder, **settings, output_dir=tmp_path)
    weights = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    if bundle.name == SPINE:
        assert weights["head.0.weight"].shape == (1, 4, 3, 3, 3)


def test_vertebrae_train_on_two_processes(tmp_path):
    """The others do in test_many_processes.py."""
    settings = write_small_data(SPINE, tmp_path / "data")
    train_on_two_processes(get_bundle(SPINE).folder, settings | {"output_dir": tmp_path / "runs"})


def test_digits_train_evaluate_and_run_from_the_zip(tmp_path):
    bundle, runs, results, output = get_bundle(DIGITS), tmp_path / "runs", tmp_path / "eval", tmp_path / "out"
    settings = write_small_data(DIGITS, tmp_path / "data")
    run_bundle("training", ["configs/train.json"], bundle.folder, output_dir=runs, **settings)
    settings = {"dataset_dir": settings["dataset_dir"], "output_dir": results, "ckpt": runs / "model.pt"}
    run_bundle("evaluating", ["configs/train.json", "configs/evaluate.json"], bundle.folder, **settings)
    assert (results / "accuracy.csv").exists()
    root, images = unpacked(bundle.folder, tmp_path), tmp_path / "images"
    images.mkdir()
    entries = json.loads((tmp_path / "data" / "dataset.json").read_text())["test"][:12]
    for entry in entries:
        path = tmp_path / "data" / entry["image"]
        (images / path.name).write_bytes(path.read_bytes())
    run_bundle("inference", [str(root / "configs" / "inference.json")], tmp_path, bundle_root=root, input=images, output_dir=output)
    right = [json.loads((output / f"{entry['image'][7:-4]}_pred.json").read_text())["class"] == entry["label"] for entry in entries]
    assert sum(right) >= 11
