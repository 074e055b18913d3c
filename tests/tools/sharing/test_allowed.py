"""Names outside the list are refused, whichever installed module they come from; names on it pass."""

import importlib.util
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.sharing.allowed import (
    CLASSES_OF,
    FUNCTIONS,
    FUNCTIONS_OF,
    PACKAGES,
    REFUSED,
    REFUSED_MODULES,
    below,
    target_reason,
)
from tools.sharing.configs import ConfigReview


@pytest.mark.parametrize(
    "name",
    [
        "Compose", "UNet", "DiceCELoss", "LoadImaged", "SlidingWindowInferer", "CheckpointLoader", "SupervisedTrainer",
        "CacheDataset", "MeanDice", "resnet18", "monai.networks.nets.UNet", "monai.networks.nets.unet.UNet",
        "monai.transforms.io.dictionary.LoadImaged", "monai.data.DistributedSampler", "monai.inferers.AvgMerger", "torch.nn.ReLU",
        "torch.nn.functional.softmax", "torch.nn.parallel.DistributedDataParallel", "torch.optim.Adam", "torch.device",
        "torch.optim.lr_scheduler.StepLR", "torch.utils.data.WeightedRandomSampler", "ignite.handlers.ProgressBar",
        "ignite.metrics.Accuracy", "scripts.custom_networks.LeNet", "scripts.custom_networks.networks.le_net.LeNet",
    ],
)  # fmt: skip
def test_passes(name):
    assert target_reason(name) == ""


def listed(name: str) -> bool:
    module = name.rpartition(".")[0]
    return below(module, PACKAGES) or name.startswith(("torch.", "scripts.custom_networks."))


def names_of_installed_modules() -> list[str]:
    """Dotted names of classes, functions and modules of what is imported here, re-exports too."""
    found = set()
    for name, module in list(sys.modules.items()):
        if module is not None and name.isascii() and not name.startswith(("_", "test", "conftest")):
            for attribute, value in list(vars(module).items()):
                if callable(value) or isinstance(value, type(sys)):
                    found.add(f"{name}.{attribute}")
    return sorted(found)


NAMES = names_of_installed_modules()


def defined_on_the_list(name: str) -> bool:
    """Find the object as MONAI would, and tell whether its own module is on the list: by other means than the code under test."""
    import pydoc

    try:
        found = pydoc.locate(name)
    except pydoc.ErrorDuringImport:
        return False
    module = getattr(found, "__module__", None)
    whole = f"{module}.{getattr(found, '__qualname__', '')}"
    if not module or whole in REFUSED:
        return False
    known = below(module, CLASSES_OF) if isinstance(found, type) else below(module, FUNCTIONS_OF) or whole in FUNCTIONS
    return known or module.startswith("custom_networks") or (name.startswith("torch.") and "." not in name[6:]) or module == "torch"


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(
    name=st.sampled_from(NAMES),
    form=st.sampled_from(["_target_", "a::_target_", "a#_target_", "+a", "list", "reference", "nested"]),
)
def test_random_targets_of_installed_modules_outside_the_list_are_refused(name, form):
    dictionary = {"_target_": name, "x": 1}
    config = {
        "_target_": dictionary,
        "a::_target_": {"a": {}, "a::_target_": name},
        "a#_target_": {"a": {}, "a#_target_": name},
        "+a": {"+a": dictionary},
        "list": {"a": [[1, dictionary]]},
        "reference": {"name": name, "a": {"_target_": "@name"}},
        "nested": {"a": {"_target_": "Compose", "transforms": [dictionary]}},
    }[form]
    findings = ConfigReview({"configs/a.json": json.dumps(config).encode()}).findings
    assert findings or defined_on_the_list(name)
    if not listed(name):
        assert findings


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(name=st.sampled_from(NAMES), form=st.sampled_from(["${}", "${}('x')", "$[{}]", "${} if 1 else 2", "$[x for x in [{}]]"]))
def test_random_names_in_expressions_are_refused(name, form):
    findings = ConfigReview({"configs/a.json": json.dumps({"x": form.format(name)}).encode()}).findings
    assert findings or defined_on_the_list(name) or name.partition(".")[0] in ("math", "numpy", "os", "glob")


def test_every_refused_name_exists():
    """A name that a newer MONAI moved would silently be let through."""
    gone = []
    for module in REFUSED_MODULES:
        if importlib.util.find_spec(module) is None:
            gone.append(module)
    for name in REFUSED:
        module, _, attribute = name.rpartition(".")
        try:
            if not hasattr(importlib.import_module(module), attribute):
                gone.append(name)
        except ImportError:
            gone.append(name)
    assert gone == []


def test_nothing_outside_the_packages_is_imported():
    before = set(sys.modules)
    for name in ("antigravity.x", "this.x", "torch.utils.bottleneck.x", "monai.apps.pathology.x", "turtle.x", "idlelib.run.main"):
        assert target_reason(name)
    assert not {"antigravity", "this", "turtle", "idlelib", "torch.utils.bottleneck"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"_target_": "monai.networks.nets.DenseNet121", "pretrained": True}, True),
        ({"_target_": "monai.networks.nets.EfficientNetBN", "model_name": "efficientnet-b0"}, True),
        ({"_target_": "EfficientNetBN", "model_name": "efficientnet-b0", "pretrained": False}, False),
        ({"_target_": "monai.networks.nets.DenseNet121", "spatial_dims": 2}, False),
    ],
)
def test_networks_that_fetch_their_weights(config, refused):
    review = ConfigReview({"configs/inference.json": json.dumps({"network_def": config}).encode()})
    assert bool(review.findings) == refused
