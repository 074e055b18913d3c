"""A bundle as small as can be, in a folder of its own: what is brighter than a threshold is a spot."""

import json
import shutil
from pathlib import Path

import torch
from conftest import GRAY_MATTER

OWN_KIND = '''
"""Spots, a kind of result that no other bundle has."""

import json

import nibabel
import numpy as np


class Spots:
    like = "volumes"

    def measure(self, case):
        voxels = np.count_nonzero(nibabel.load(case.result).dataobj)
        row = {"case": case.name, "structure": case.classes["1"], "measure": "spots", "slice": ""}
        return [row | {"value": voxels, "unit": "voxels"}]

    def draw(self, case, target):
        from PIL import Image

        Image.new("RGB", (9, 7), "red").save(target, format="PNG")
'''

INFERENCE = {
    "bundle_root": ".", "input": "", "output_dir": "$@bundle_root + '/eval'", "overwrite": False, "series": None,
    "names": ["spot"], "threshold": 0.5,
    "ckpt": "$@bundle_root + '/models/model.pt'", "device": "cpu",
    "network_def": {"_target_": "torch.nn.PReLU"},
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "scripts.custom_networks.LoadVolumed", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": "no_channel"},
            {"_target_": "scripts.custom_networks.CheckVolumed", "keys": "image"},
        ],
    },
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "AsDiscreted", "keys": "pred", "threshold": "@threshold"},
            {
                "_target_": "scripts.custom_networks.SaveLabelMapd", "keys": "pred", "output_dir": "@output_dir", "names": "@names"
            },
        ],
    },
    "cases": {"_target_": "scripts.custom_networks.find_cases", "_mode_": "callable", "source": "@input", "number": "@series"},
    "handlers": [
        {"_target_": "CheckpointLoader", "load_path": "@ckpt", "load_dict": {"model": "@network"}, "map_location": "@device"}
    ],
    "record": {
        "_target_": "scripts.custom_networks.ResultRecord",
        "bundle_root": "@bundle_root", "weights": "@ckpt", "settings": {"threshold": "@threshold"}, "device": "@device",
    },
    "evaluator": {
        "_target_": "scripts.custom_networks.CaseEvaluator",
        "device": "@device", "cases": "@cases", "preprocessing": "@preprocessing", "network": "@network", "inferer": "@inferer",
        "postprocessing": "@postprocessing", "output_dir": "@output_dir", "overwrite": "@overwrite",
        "record": "@record", "val_handlers": "@handlers",
    },
    "initialize": ["$monai.utils.set_determinism(seed=0)"],
    "run": "$@evaluator.run()",
    "inference": "@run",
    "finalize": ["$@evaluator.exit_if_failed()"],
}  # fmt: skip


def make_tiny_bundle(folder: Path, kind: str | None = None, modality: str = "MR", **settings) -> Path:
    """Write the bundle; ``kind`` is its ``result_kind``, ``scripts.spots.Spots`` its own; settings are ids of inference.json."""
    for name in ("LICENSE", "scripts/__init__.py", "configs/logging.conf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(GRAY_MATTER / name, folder / name)
    metadata = json.loads((GRAY_MATTER / "configs" / "metadata.json").read_text())
    metadata |= {"name": "Spots", "result_kind": kind or "volumes"}
    metadata["network_data_format"]["inputs"]["image"]["modality"] = modality
    metadata["network_data_format"]["outputs"]["pred"]["channel_def"] = {"0": "background", "1": "spot"}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "configs" / "inference.json").write_text(json.dumps(INFERENCE | settings))
    (folder / "scripts" / "spots.py").write_text(OWN_KIND)
    (folder / "models").mkdir()
    torch.save(torch.nn.PReLU().state_dict(), folder / "models" / "model.pt")
    return folder
