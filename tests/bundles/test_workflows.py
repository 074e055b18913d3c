"""MONAI's own programs run the bundles: ``ConfigWorkflow`` finds every property it knows, from the zip too."""

import subprocess
import sys

import pytest
from bundle_runs import unpacked
from small_data import CHEST, DIGITS, SETTINGS, write_small_data

from tools.bundles import get_bundle

CHECK = """
import sys
from monai.bundle import ConfigWorkflow
kind, config, data, output, *settings = sys.argv[1:]
settings = dict(text.split("=") for text in settings)
overrides = {name: int(value) for name, value in settings.items()} | {"output_dir": output}
overrides |= {"dataset_dir": data} if kind == "train" else {"input": data}
workflow = ConfigWorkflow(config_file=config, workflow_type=kind, **overrides)
workflow.initialize()
wrong = workflow.check_properties()
assert wrong == [], wrong
assert workflow.version and workflow.network_def is not None
if kind == "train":
    assert workflow.max_epochs == 2 and workflow.val_interval == 1
    assert len(workflow.train_dataset_data) and workflow.train_inferer and workflow.evaluator
else:
    assert len(workflow.dataset) and "image" in workflow.dataset[0]
    assert workflow.handlers and workflow.preprocessing and workflow.postprocessing
print("all properties")
"""


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda name: "_".join(name.split("_")[:2]))
def small(request, tmp_path_factory) -> tuple[str, dict]:
    return request.param, write_small_data(request.param, tmp_path_factory.mktemp("data"))


def check(root, kind: str, data, output, settings=()) -> None:
    config = root / "configs" / ("train.json" if kind == "train" else "inference.json")
    command = [sys.executable, "-c", CHECK, kind, str(config), str(data), str(output), *settings]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and "all properties" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["train", "infer"])
def test_workflows_have_all_properties(small, kind, tmp_path):
    bundle, settings = small
    data = settings["dataset_dir"] + ("/images" if (bundle, kind) == (DIGITS, "infer") else "")
    numbers = [f"{name}={value}" for name, value in settings.items() if name != "dataset_dir"] if kind == "train" else []
    root = get_bundle(bundle).folder if bundle != CHEST else unpacked(get_bundle(bundle).folder, tmp_path)
    check(root, kind, data, tmp_path, numbers)
