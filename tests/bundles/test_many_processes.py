"""Training on two processes is training with the double batch; inference shared among processes survives that one is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nibabel
import pytest
import torch
from bundle_runs import run_bundle, train_on_two_processes
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS, MUSCLES, VERTEBRAE

from custom_networks import share_cases
from tools.datasets.digits import prepare_digits
from tools.phantoms.write import WRITERS, write_cord_phantoms

CASES = 8
SMALL = {
    CHEST: {"size": 64},
    MUSCLES: {"network_def#dropout": 0.0},
    LESIONS: {"window": 32},
    GRAY_MATTER: {"network_def#dropout": 0.0},
    VERTEBRAE: {"patch": 32, "thin_size": 20},
}


def test_every_case_goes_to_one_process():
    cases = [{"image": str(n)} for n in range(7)]
    shares = [share_cases(lambda: cases, rank, 3) for rank in range(3)]
    assert sorted(case["image"] for share in shares for case in share) == [case["image"] for case in cases]
    assert share_cases(lambda: cases[:1], 2, 3) == []


def train_both_ways(bundle, settings: dict, batch: dict[str, int], folder: Path, overlays: Sequence[Path] = ()) -> list[dict]:
    """Train in one process with the double batch and in two; return the weights of both."""
    double = {name: 2 * size for name, size in batch.items()}
    configs = ["configs/train.json", *map(str, overlays)]
    run_bundle("training", configs, bundle, **settings, **double, output_dir=folder / "one")
    train_on_two_processes(bundle, settings | batch | {"output_dir": folder / "two"}, overlays)
    one, two = (torch.load(folder / name / "checkpoint.pt", weights_only=True)["network"] for name in ("one", "two"))
    assert one.keys() == two.keys()
    return [one, two]


def prepare_few_digits(folder: Path) -> Path:
    """Prepare 32 digits to train on and 32 to validate on; return their list."""
    path = prepare_digits(folder)
    content = json.loads(path.read_text())
    for section in ("training", "validation"):
        content[section] = content[section][:32]
    path.write_text(json.dumps(content))
    return path


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_double_batch(tmp_path):
    """Augmentation included: what is drawn for a sample does not depend on the process that draws it."""
    path = prepare_few_digits(tmp_path / "data")
    settings = {"dataset_dir": path.parent, "max_epochs": 3, "val_interval": 3}
    one, two = train_both_ways(DIGITS, settings, {"batch_size": 16}, tmp_path)
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-5, rtol=1e-4)


BATCH = {"_target_": "scripts.custom_networks.AugmentBatch"}  # of single slices, without what is drawn at random
SELECT = [{"_target_": "scripts.custom_networks.Normalize"}, {"_target_": "scripts.custom_networks.SelectLabel", "value": 1}]
BLOCK = [
    {"_target_": "CenterSpatialCropd", "keys": ["image", "label"], "roi_size": [32, 32, 32]},
    {"_target_": "EnsureTyped", "keys": ["image", "label"], "track_meta": False},
]
VERTEBRA = "$lambda data: data | {'label': torch.cat([data['label'] == data['label'].max(), 0 * data['label']]).float()} | @told"
MIDDLE = [BLOCK[0], {"_target_": "Lambda", "func": VERTEBRA}]  # one patch of one vertebra, in place of those drawn at random
STEADY = {
    VERTEBRAE: {
        "told": {"complete": 1.0, "number": 4.0},
        "fixed_norm_after": 0.0,  # over equal items of 2x2x2 voxels, normalisation would magnify rounding
        "train#patches#transforms": MIDDLE,
        "train#batch_augmentation": None,
        "validate#dataset#data": [],
    },
    CHEST: {"train#prepare_batch": BATCH | {"transforms": []}},
    MUSCLES: {"train#prepare_batch": BATCH | {"transforms": []}, "train#dataset#size": [96, 96]},
    GRAY_MATTER: {"train#prepare_batch": BATCH | {"transforms": SELECT}, "train#dataset#size": [96, 96]},
    LESIONS: {
        "train#dataset": {
            "_target_": "CacheDataset",
            "data": {"_target_": "scripts.custom_networks.load_data_list", "dataset_dir": "@dataset_dir", "section": "training"},
            "transform": {"_target_": "Compose", "transforms": ["@train#preprocessing", *BLOCK]},
            "progress": False,
        },
        "train#dataloader": {
            "_target_": "scripts.custom_networks.TrainingLoader",
            "dataset": "@train#dataset",
            "batch_size": "@batch_size",
            "epoch_length": "@epoch_length",
            "seed": "@seed",
            "num_workers": 0,
        },
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "bundle",
    [CHEST, *(pytest.param(slow, marks=pytest.mark.exhaustive) for slow in (VERTEBRAE, LESIONS, MUSCLES, GRAY_MATTER))],
    ids=["chest", "vertebrae", "lesions", "muscles", "gray matter"],
)
def test_segmentation_on_two_processes_is_that_of_the_double_batch(tmp_path, bundle):
    """Every item of every batch is the same, so batch normalisation cannot tell the two apart."""
    data, path = tmp_path / "data", tmp_path / "steady.json"
    WRITERS[bundle.name](data, 2, 11)
    content = json.loads((data / "dataset.json").read_text())
    content["training"] = content["training"][:1] * 4
    (data / "dataset.json").write_text(json.dumps(content))
    if bundle in (MUSCLES, GRAY_MATTER):
        for name in ("image", "label"):
            file = data / content["training"][0][name]
            nibabel.save(nibabel.load(file).slicer[:, :, 1:2], file)
    sgd = {"_target_": "torch.optim.SGD", "params": "$@network.parameters()", "lr": 0.001}  # Adam would magnify rounding
    path.write_text(json.dumps({"precision": "float32", "optimizer": sgd} | STEADY[bundle]))
    weights = bundle / "models" / "model.pt"
    settings = {"dataset_dir": data, "max_epochs": 1, "val_interval": 1, "pretrained": weights, "epoch_length": 2, **SMALL[bundle]}
    one, two = train_both_ways(bundle, settings, {"batch_size": 2}, tmp_path, [path])
    for name, before in torch.load(weights, weights_only=True).items():
        moved = one[name].float() - before.float()
        assert (two[name].float() - one[name].float()).norm() <= 0.05 * moved.norm() + 1e-6, name


def worker(launcher: int, *ranks: int) -> int:
    """Return the process of one of these ranks."""
    wanted = {f"RANK={rank}".encode() for rank in ranks}
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        if wanted & set(Path(f"/proc/{child}/environ").read_bytes().split(b"\0")):
            return int(child)
    raise AssertionError("the launcher has no such rank")


@pytest.mark.slow
@pytest.mark.exhaustive
def test_two_nodes_go_on_where_a_process_is_killed(tmp_path):
    """To the same weights; both launchers start their processes anew, which meet at another port."""
    path = prepare_few_digits(tmp_path / "data")
    settings = {"dataset_dir": path.parent, "batch_size": 8, "max_epochs": 30, "val_interval": 30}
    train_on_two_processes(DIGITS, settings | {"output_dir": tmp_path / "one"})
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1", "--max-restarts", "5",
        "--rdzv_backend", "c10d", "--rdzv_endpoint", f"127.0.0.1:{port}", "--rdzv_id", "two_nodes",
        "-m", "monai.bundle", "run", "training", "--config_file", "['configs/train.json','configs/multi_gpu_train.json']",
        *(text for key, value in (settings | {"output_dir": tmp_path / "two"}).items() for text in (f"--{key}", str(value))),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    with (tmp_path / "log").open("w") as log:
        nodes = [subprocess.Popen(command, cwd=DIGITS, env=environment, stdout=log, stderr=log) for _ in range(2)]
        try:
            while not (tmp_path / "two" / "checkpoint.pt").exists() and all(node.poll() is None for node in nodes):
                time.sleep(0.02)
            os.kill(worker(nodes[1].pid, 0, 1), signal.SIGKILL)
            codes = [node.wait(1200) for node in nodes]
        finally:
            for node in nodes:
                node.terminate()  # ends its processes too
                node.wait(60)
    text = (tmp_path / "log").read_text()
    assert codes == [0, 0], text[-3000:]
    assert "training goes on after epoch" in text, "killed too late to test anything"
    one, two = (torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_a_killed_rank_loses_nothing(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    write_cord_phantoms(data, CASES, seed=5)
    images = tmp_path / "images"
    images.mkdir()
    for path in data.glob("*_image.nii.gz"):
        path.rename(images / path.name)
    (images / "broken.nii.gz").write_bytes(b"no image")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--max-restarts", "2",
        "-m", "monai.bundle", "run", "inference", "--config_file", "['configs/inference.json','configs/multi_gpu_inference.json']",
        "--input", str(images), "--output_dir", str(out),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (tmp_path / "log").open("w") as log:
        launcher = subprocess.Popen(command, cwd=GRAY_MATTER, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            limit = time.monotonic() + 300
            while len(list(out.glob("*_seg.nii.gz"))) < 2 and time.monotonic() < limit and launcher.poll() is None:
                time.sleep(0.05)
            done = {path.name: path.stat().st_mtime_ns for path in out.glob("*_seg.nii.gz")}
            os.kill(worker(launcher.pid, 0, 1), signal.SIGKILL)  # beside other work one may be through already
            code = launcher.wait(600)
        finally:
            launcher.kill()
    text = (tmp_path / "log").read_text()
    assert code == 0, text[-3000:]
    assert 2 <= len(done) < CASES, "killed too late to test anything"
    results = {path.name: path.stat().st_mtime_ns for path in out.glob("*_seg.nii.gz")}
    assert len(results) == CASES and not list(out.glob(".*"))
    assert all(results[name] == when for name, when in done.items())
    assert "broken.nii.gz: cannot be read as an image" in text
