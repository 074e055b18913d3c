"""Run bundles as users do, each command in a process of its own."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence

import torch

from tools.bundles import Bundle
from tools.sharing.packing import pack


def run_bundle(run_id: str, configs: list[str], cwd, **settings) -> str:
    """Run ``python -m monai.bundle run`` with nothing on PYTHONPATH; return what it printed."""
    config_file = configs[0] if len(configs) == 1 else str(configs)
    options = [text for key, value in settings.items() for text in (f"--{key}", str(value))]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", config_file, *options]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def unpacked(folder, tmp_path):
    """Pack a bundle, unpack the zip where the repository is not, and return its folder there."""
    with zipfile.ZipFile(pack(Bundle(folder), tmp_path / "zips")) as archive:
        archive.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere" / folder.name


def train_on_two_processes(folder, settings: dict, overlays: Sequence = ()) -> None:
    """Train with torchrun and gloo; the weights that come out have no traces of it."""
    options = [text for key, value in settings.items() for text in (f"--{key}", str(value))]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    configs = ["configs/train.json", "configs/multi_gpu_train.json", *map(str, overlays)]
    command = [*launcher, "-m", "monai.bundle", "run", "training", "--config_file", str(configs), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    names = torch.load(settings["output_dir"] / "model.pt", weights_only=True).keys()
    assert not any(name.startswith("module.") for name in names)
