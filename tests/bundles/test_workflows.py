"""MONAI's own programs run the bundles: ``ConfigWorkflow`` finds every property it knows, where the repository is not."""

import json
import subprocess
import sys

import pytest
from bundle_runs import unpacked
from small_data import DIGITS, SETTINGS, write_small_data

from tools.bundles import get_bundle

CHECK = """
import json, sys
from monai.bundle import ConfigWorkflow
train, inference = map(json.loads, sys.argv[1:])
for kind, config, overrides in (("train", "train", train), ("infer", "inference", inference)):
    workflow = ConfigWorkflow(config_file=f"configs/{config}.json", workflow_type=kind, **overrides)
    workflow.initialize()
    wrong = workflow.check_properties()
    assert wrong == [], wrong
    assert workflow.version and workflow.network_def is not None
    assert "elsewhere" in sys.modules["scripts.custom_networks"].__file__
    if kind == "train":
        assert workflow.max_epochs == 2 and workflow.val_interval == 1
        assert len(workflow.train_dataset_data) and workflow.train_inferer and workflow.evaluator
    else:
        assert len(workflow.dataset) and "image" in workflow.dataset[0]
        assert workflow.handlers and workflow.preprocessing and workflow.postprocessing
print("all properties")
"""


@pytest.mark.slow
@pytest.mark.parametrize("bundle", SETTINGS, ids=lambda name: "_".join(name.split("_")[:2]))
def test_workflows_have_all_properties(bundle, tmp_path):
    settings = write_small_data(bundle, tmp_path / "data") | {"output_dir": str(tmp_path)}
    inference = {"input": settings["dataset_dir"] + ("/images" if bundle == DIGITS else ""), "output_dir": str(tmp_path)}
    root = unpacked(get_bundle(bundle).folder, tmp_path)
    command = [sys.executable, "-c", CHECK, json.dumps(settings), json.dumps(inference)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and "all properties" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
