"""Each bundle as a user runs it: every command in its own process, the zip where the repository is not."""

import csv
import json

import nibabel
import numpy as np
import pytest
import torch
from bundle_runs import run_bundle, train_on_two_processes, unpacked
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS, MUSCLES, VERTEBRAE

from tools.datasets.digits import prepare_digits
from tools.phantoms.write import WRITERS, write_cord_phantoms, write_spine_phantoms

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cord_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cord")
    write_cord_phantoms(folder, 3, seed=11)
    return folder


@pytest.fixture(scope="module")
def digit_data(tmp_path_factory):
    """A tenth of the digits."""
    folder = tmp_path_factory.mktemp("digits")
    path = prepare_digits(folder)
    content = json.loads(path.read_text())
    for section in ("training", "validation", "test"):
        content[section] = content[section][::10]
    path.write_text(json.dumps(content))
    return folder


FAST = {"max_epochs": 2, "val_interval": 1, "epoch_length": 2, "batch_size": 2, "patch": 48}


def test_gray_matter_trains_resumes_and_evaluates_in_its_folder(cord_data, tmp_path):
    runs, results = tmp_path / "runs", tmp_path / "eval"
    run_bundle(
        "training", ["configs/train.json"], GRAY_MATTER, dataset_dir=cord_data, output_dir=runs, **(FAST | {"max_epochs": 1})
    )
    printed = run_bundle("training", ["configs/train.json"], GRAY_MATTER, dataset_dir=cord_data, output_dir=runs, **FAST)
    assert "training goes on after epoch 1" in printed
    with (runs / "curves.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    for name in ("model.pt", "model_average.pt", "checkpoint.pt", "curves.png"):
        assert (runs / name).exists()
    assert list(runs.glob("events.out.tfevents.*"))
    configs = ["configs/train.json", "configs/evaluate.json"]
    run_bundle("evaluating", configs, GRAY_MATTER, dataset_dir=cord_data, output_dir=results, ckpt=runs / "model.pt")
    with (results / "scgm_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[-1]["case"] == "mean" and len(rows) == 2 and len(rows[0]) == 13


def test_gray_matter_zip_infers_and_trains_from_a_foreign_folder(cord_data, tmp_path):
    root = unpacked(GRAY_MATTER, tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for path in sorted(cord_data.glob("*_image.nii.gz"))[:2]:
        (images / path.name).write_bytes(path.read_bytes())
    masks = []
    for output in (tmp_path / "first", tmp_path / "second"):
        run_bundle(
            "inference", [str(root / "configs" / "inference.json")], images, bundle_root=root, input=images, output_dir=output
        )
        masks.append({path.name: path.read_bytes() for path in output.glob("*.nii.gz")})
    assert len(masks[0]) == 2 and masks[0].keys() == masks[1].keys()
    for name in masks[0]:
        first, second = (np.asarray(nibabel.load(tmp_path / run / name).dataobj) for run in ("first", "second"))
        assert np.array_equal(first, second) and first.any()
    run_bundle(
        "training", [str(root / "configs" / "train.json")], images, bundle_root=root, dataset_dir=cord_data,
        output_dir=tmp_path / "runs", pretrained=root / "models" / "model.pt", **FAST,
    )  # fmt: skip
    assert (tmp_path / "runs" / "model.pt").exists()


def test_gray_matter_trains_on_two_processes(cord_data, tmp_path):
    train_on_two_processes(GRAY_MATTER, FAST | {"dataset_dir": cord_data, "output_dir": tmp_path})


@pytest.fixture(scope="module")
def spine_data(tmp_path_factory):
    """Three small scans of four vertebrae each."""
    folder = tmp_path_factory.mktemp("spine")
    path = write_spine_phantoms(folder, 3, seed=11, kind="cervical")
    for file in folder.glob("*.nii.gz"):
        scan = nibabel.load(file)
        nibabel.save(scan.slicer[16:80, :64, 10:74], file)
    return path.parent


FAST_SPINE = {"max_epochs": 2, "val_interval": 2, "epoch_length": 2, "batch_size": 1, "patch": 32, "thin_size": 20}


def test_vertebrae_train_resume_and_evaluate_in_the_folder(spine_data, tmp_path):
    runs, results = tmp_path / "runs", tmp_path / "eval"
    settings = {"dataset_dir": spine_data, "output_dir": runs}
    run_bundle("training", ["configs/train.json"], VERTEBRAE, **settings, **(FAST_SPINE | {"max_epochs": 1}))
    printed = run_bundle("training", ["configs/train.json"], VERTEBRAE, **settings, **FAST_SPINE)
    assert "training goes on after epoch 1" in printed
    with (runs / "curves.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss", "patch_dice", "completeness_accuracy", "label_error", "instance_dice", "identification_rate"} <= rows[1].keys()
    for name in ("model.pt", "model_average.pt", "checkpoint.pt", "curves.png"):
        assert (runs / name).exists()
    configs = ["configs/train.json", "configs/evaluate.json"]
    run_bundle("evaluating", configs, VERTEBRAE, dataset_dir=spine_data, output_dir=results, ckpt=runs / "model.pt", patch=32)
    with (results / "vertebra_scores.csv").open(newline="") as stream:
        assert [row["case"] for row in csv.DictReader(stream)][-1] == "mean"


def test_vertebrae_zip_infers_and_trains_from_a_foreign_folder(spine_data, tmp_path):
    root = unpacked(VERTEBRAE, tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    (images / "scan.nii.gz").write_bytes((spine_data / "phantom_000_image.nii.gz").read_bytes())
    masks = []
    for output in (tmp_path / "first", tmp_path / "second"):
        config = [str(root / "configs" / "inference.json")]
        run_bundle("inference", config, images, bundle_root=root, input=images, output_dir=output)
        masks.append(np.asarray(nibabel.load(output / "scan_seg.nii.gz").dataobj))
        assert json.loads((output / "scan_seg.json").read_text())["case"] == "scan"
    assert np.array_equal(*masks) and masks[0].any()
    run_bundle(
        "training", [str(root / "configs" / "train.json")], images, bundle_root=root, dataset_dir=spine_data,
        output_dir=tmp_path / "runs", pretrained=root / "models" / "model.pt", **FAST_SPINE,
    )  # fmt: skip
    assert (tmp_path / "runs" / "model.pt").exists()


def test_vertebrae_train_by_the_papers_setting(spine_data, tmp_path):
    """The overlay, with patches and filters small enough for a test."""
    settings = FAST_SPINE | {"max_epochs": 1, "spacing": 2.0, "network_def#filters": 4, "network_def#contractions": 1}
    configs = ["configs/train.json", "configs/train_paper.json"]
    run_bundle("training", configs, VERTEBRAE, dataset_dir=spine_data, output_dir=tmp_path, **settings)
    weights = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    assert weights["head.0.weight"].shape == (1, 4, 3, 3, 3)


def test_vertebrae_train_on_two_processes(spine_data, tmp_path):
    train_on_two_processes(VERTEBRAE, FAST_SPINE | {"dataset_dir": spine_data, "output_dir": tmp_path})


SHORT = {
    CHEST: {"size": 64},
    MUSCLES: {"epoch_length": 1, "patch": 64},
    LESIONS: {"epoch_length": 1, "patch": 16, "patches_per_volume": 2, "window": 32},
}


@pytest.fixture(scope="module", params=[CHEST, MUSCLES, LESIONS], ids=["chest", "muscles", "lesions"])
def phantoms(request, tmp_path_factory):
    """A bundle, phantoms for it, and settings of a short training."""
    folder = tmp_path_factory.mktemp("phantoms")
    WRITERS[request.param.name](folder, 3, 11)
    if request.param == LESIONS:
        for file in folder.glob("*.nii.gz"):
            nibabel.save(nibabel.load(file).slicer[20:52, 20:52, 16:48], file)
    short = {"max_epochs": 2, "val_interval": 1, "batch_size": 2, "dataset_dir": folder}
    return request.param, folder, short | SHORT[request.param]


def test_bundles_train_resume_and_evaluate_in_the_folder(phantoms, tmp_path):
    bundle, data, settings = phantoms
    runs, results = tmp_path / "runs", tmp_path / "eval"
    run_bundle("training", ["configs/train.json"], bundle, output_dir=runs, **(settings | {"max_epochs": 1}))
    printed = run_bundle("training", ["configs/train.json"], bundle, output_dir=runs, **settings)
    assert "training goes on after epoch 1" in printed
    for name in ("model.pt", "model_average.pt", "checkpoint.pt", "curves.png"):
        assert (runs / name).exists()
    settings = {"dataset_dir": data, "output_dir": results, "ckpt": runs / "model.pt"}
    run_bundle("evaluating", ["configs/train.json", "configs/evaluate.json"], bundle, **settings)
    with next(results.glob("*.csv")).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["phantom_002_label", "mean"]


def test_bundles_train_by_the_seeds_recipe(phantoms, tmp_path):
    bundle, _, settings = phantoms
    short = {CHEST: {"size": 64, "batch_size": 1}, MUSCLES: {"size": 64}, LESIONS: {}}  # chest drops an incomplete batch
    settings = {name: settings[name] for name in ("dataset_dir", "val_interval", "batch_size")} | {"max_epochs": 1} | short[bundle]
    configs = ["configs/train.json", "configs/train_seed.json", *(["configs/fully_conv.json"] if bundle == CHEST else [])]
    run_bundle("training", configs, bundle, output_dir=tmp_path, **settings)
    assert (tmp_path / "model.pt").exists()


def test_zips_infer_and_train_from_a_foreign_folder(phantoms, tmp_path):
    bundle, data, settings = phantoms
    root = unpacked(bundle, tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for path in sorted(data.glob("phantom_00[01]_*")):
        if not path.name.endswith("_label.nii.gz"):
            (images / path.name).write_bytes(path.read_bytes())
    config = [str(root / "configs" / "inference.json")]
    masks = []
    for output in (tmp_path / "first", tmp_path / "second"):
        run_bundle("inference", config, images, bundle_root=root, input=images, output_dir=output)
        masks.append([np.asarray(nibabel.load(path).dataobj) for path in sorted(output.glob("*_seg.nii.gz"))])
    assert len(masks[0]) == 2
    assert all(np.array_equal(first, second) and first.any() for first, second in zip(*masks, strict=True))
    settings = settings | {"output_dir": tmp_path / "runs", "pretrained": root / "models" / "model.pt"}
    run_bundle("training", [str(root / "configs" / "train.json")], images, bundle_root=root, **settings)
    assert (tmp_path / "runs" / "model.pt").exists()


def test_bundles_train_on_two_processes(phantoms, tmp_path):
    bundle, _, settings = phantoms
    train_on_two_processes(bundle, settings | {"output_dir": tmp_path})


def test_digits_train_evaluate_and_run_from_the_zip(digit_data, tmp_path):
    runs, results = tmp_path / "runs", tmp_path / "eval"
    settings = {"dataset_dir": digit_data, "max_epochs": 2, "val_interval": 1}
    run_bundle("training", ["configs/train.json"], DIGITS, output_dir=runs, **settings)
    run_bundle(
        "evaluating", ["configs/train.json", "configs/evaluate.json"], DIGITS, dataset_dir=digit_data, output_dir=results,
        ckpt=runs / "model.pt",
    )  # fmt: skip
    assert (results / "accuracy.csv").exists()
    root = unpacked(DIGITS, tmp_path)
    output = tmp_path / "out"
    images = tmp_path / "images"
    images.mkdir()
    entries = json.loads((digit_data / "dataset.json").read_text())["test"][:12]
    for entry in entries:
        path = digit_data / entry["image"]
        (images / path.name).write_bytes(path.read_bytes())
    run_bundle("inference", [str(root / "configs" / "inference.json")], tmp_path, bundle_root=root, input=images, output_dir=output)
    right = [json.loads((output / f"{entry['image'][7:-4]}_pred.json").read_text())["class"] == entry["label"] for entry in entries]
    assert sum(right) >= 11
