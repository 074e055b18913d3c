"""What the configs of every bundle promise."""

import json
import re

import pytest
from throughput import THROUGHPUT, assert_options_reach

from tools.bundles import Bundle, all_bundles
from tools.sharing.syncing import sync
from tools.sharing.verifying import SHARED_IDS

BUNDLES = {bundle.name: bundle for bundle in all_bundles()}


def read(bundle, name: str) -> dict:
    return json.loads((bundle.folder / "configs" / f"{name}.json").read_text())


@pytest.fixture(params=BUNDLES.values(), ids=BUNDLES.keys())
def bundle(request):
    return request.param


def test_train_and_inference_share_what_they_must(bundle):
    train, inference = read(bundle, "train"), read(bundle, "inference")
    for name in SHARED_IDS:
        assert train[name] == inference[name]


def test_monai_label_finds_what_it_sets(bundle):
    train = read(bundle, "train")
    assert isinstance(train["train"]["handlers"], list)
    assert "max_epochs" in train["train"]["trainer"]
    assert "data" in train["train"]["dataset"] and "data" in train["validate"]["dataset"]
    inference = read(bundle, "inference")
    for name in ("network_def", "preprocessing", "inferer", "postprocessing", "device", "bundle_root"):
        assert name in inference


def test_names_are_those_of_the_classes(bundle):
    if bundle.is_segmentation:
        classes = {value: name for value, name in bundle.classes.items() if value != "0"}
        assert {str(value): name for value, name in enumerate(read(bundle, "inference")["names"], 1) if name} == classes


def test_intended_use_says_that_it_is_no_medical_device(bundle):
    assert "no medical device" in bundle.metadata["intended_use"]


def test_scores_in_metadata_stand_in_the_readme(bundle):
    readme = (bundle.folder / "docs" / "README.md").read_text()
    assert bundle.metadata["eval_metrics"]
    for value in bundle.metadata["eval_metrics"].values():
        assert f"{value:.3f}" in readme


def test_commands_of_the_readme_name_configs_and_settings_that_exist(bundle):
    """But for those of the commit that made the weights."""
    text = "\n".join((bundle.folder / "docs" / name).read_text() for name in ("README.md", "weights.md"))
    text = re.sub(r"## How the weights were made.*?(?=\n## |\Z)", "", text, flags=re.S)
    configs = {path.name: json.loads(path.read_text()) for path in (bundle.folder / "configs").glob("*.json")}
    assert set(re.findall(r"configs/(\w+\.json)", text)) <= configs.keys()
    settings = {name for config in configs.values() for name in config} | {"config_file", "bundle_root", "meta_file"}
    commands = [line for line in text.splitlines() if "monai.bundle run" in line or line.startswith("$TRAIN")]
    assert commands and set(re.findall(r"--(\w+)", "\n".join(commands))) - {"standalone", "nproc_per_node"} <= settings


def test_bundles_share_their_common_files():
    """`python -m tools sync` writes them."""
    assert sync(BUNDLES.values(), check=True) == []


def test_sync_mends_what_differs_or_lacks(tmp_path):
    folder = tmp_path / "bundle"
    sync([Bundle(folder)])
    (folder / "configs" / "evaluate.json").write_text("{}")
    (folder / "scripts" / "__init__.py").unlink()
    broken = [folder / "configs" / "evaluate.json", folder / "scripts" / "__init__.py"]
    assert sync([Bundle(folder)], check=True) == sync([Bundle(folder)]) == broken
    assert sync([Bundle(folder)]) == [] and json.loads(broken[0].read_text())["section"] == "test"


GENERAL = (
    "bundle_root", "dataset_dir", "output_dir", "pretrained", "seed", "max_minutes", "patience", "ema", "accumulation_steps",
    "num_workers", "pin_memory", "cudnn_benchmark", "max_epochs", "epoch_length", "val_interval", "learning_rate", "batch_size",
    "device",
)  # fmt: skip


def test_general_settings_have_one_name_in_all_bundles(bundle):
    train = read(bundle, "train")
    assert all(name in train for name in GENERAL)
    assert all(f"@{name}" in json.dumps(train) for name in GENERAL[1:])


def test_throughput_has_one_name_in_all_bundles(bundle):
    of_windows = [] if bundle.name.startswith("handwritten") else ["window_batch", "precision"]  # digits are small, whole pictures
    for config, names in (("train", THROUGHPUT[:2]), ("inference", [])):
        content = read(bundle, config)
        for name in (*names, "cudnn_benchmark", *of_windows):
            assert name in content and f'"@{name}"' in json.dumps(content), f"{config}.json: {name}"


def test_every_component_takes_what_sets_throughput(bundle):
    """In overlays too, which write components anew: an option would be without effect there."""
    for path in (bundle.folder / "configs").glob("*.json"):
        assert_options_reach(json.loads(path.read_text()), path.name)


def test_no_config_names_a_handler_by_its_place(bundle):
    for path in (bundle.folder / "configs").glob("*.json"):
        assert not re.search(r"handlers#\d", path.read_text()), path.name


def test_what_a_reader_may_set_in_monai_label_has_an_effect(bundle):
    inference = read(bundle, "inference")
    for name in inference.get("displayable_configs", {}):
        assert inference[name] == f"@displayable_configs#{name}"


@pytest.mark.parametrize("config", ["train.json", "inference.json"])
def test_precision_is_one_option_and_its_earlier_name_still_works(bundle, config):
    if bundle.name.startswith("handwritten"):
        return  # its network is so small that it always computes in float32
    for given, expected in (({}, "auto"), ({"bfloat16": False}, "float32"), ({"precision": "bfloat16"}, "bfloat16")):
        with bundle.parser(config, **given) as parser:
            assert parser.get_parsed_content("precision") == expected
            assert "@bfloat16" not in json.dumps({name: value for name, value in parser.get().items() if name != "precision"})


def test_what_an_overlay_sets_is_known_or_used(bundle):
    """A misspelt id would be added beside the right one, and change nothing."""
    train = read(bundle, "train")
    standard = {"train", "inference", "evaluate", "metadata", "multi_gpu_train", "multi_gpu_inference", "quality"}
    for path in (bundle.folder / "configs").glob("*.json"):
        if path.stem not in standard:
            overlay = read(bundle, path.stem)
            for name in overlay.keys() - {"imports"}:
                assert sets_something(name, train) or f"@{name}" in str(overlay), f"{path.name}: {name}"


def sets_something(name: str, config: dict) -> bool:
    """Whether an id like ``train#inferer#window`` exists, or is an argument of a component, which refuses unknown ones."""
    *parents, last = name.split("#")
    for parent in parents:
        config = config[int(parent) if isinstance(config, list) else parent]
    return last in config or "_target_" in config
