"""What is harmless passes: our own bundles without a question, a user's own edits, and bundles that others may write."""

import json
import re
import shutil
import zipfile

import pytest
from conftest import DIGITS, GRAY_MATTER
from hostile_zips import GOOD, TOP, write_zip
from typer.testing import CliRunner

from custom_networks import UserError
from tools.bundles import Bundle, all_bundles, get_bundle
from tools.cli.app import app
from tools.sharing.configs import ConfigReview
from tools.sharing.logging_conf import review_logging
from tools.sharing.ours import RELEASED, is_ours
from tools.sharing.packing import pack
from tools.sharing.review import review, review_folder
from tools.sharing.unpacking import unpack

BUNDLES = {bundle.name: bundle for bundle in all_bundles()}


@pytest.mark.parametrize("name", BUNDLES)
def test_ours_pack_and_pass_with_nothing_to_list(tmp_path, name):
    found = review(pack(BUNDLES[name], tmp_path))
    assert found.findings == [] and found.harmless == []
    assert found.ours > 50
    folder = unpack(found, tmp_path / "out")
    again = review_folder(folder)
    assert again.findings == [] and again.ours == found.ours


def test_nearly_every_entry_of_ours_passes_by_itself(monkeypatch):
    """Were a config not known as ours, only what starts processes, and lambdas that call, would be asked about."""
    monkeypatch.setattr("tools.sharing.configs.is_ours", lambda name, content: False)
    monkeypatch.setattr("tools.sharing.configs.entries_of_ours", frozenset)
    asked, passed = set(), set()
    for bundle in BUNDLES.values():
        configs = {f"configs/{path.name}": path.read_bytes() for path in bundle.folder.glob("configs/*.json")}
        found = ConfigReview(configs)
        asked |= {finding.text for finding in found.findings}
        passed |= {finding.text for finding in found.harmless}
    assert all(text.startswith("$") for text in asked), asked
    assert len(asked) < 0.1 * len(passed), asked


def changed(bundle: Bundle, tmp_path, name: str, change):
    """Copy a bundle's folder, and change one of its configs."""
    folder = shutil.copytree(bundle.folder, tmp_path / bundle.name)
    path = folder / "configs" / name
    config = json.loads(path.read_bytes())
    change(config)
    path.write_text(json.dumps(config, indent=4))
    return Bundle(folder)


def test_a_users_own_edits_pass(tmp_path):
    def edit(config):
        config |= {"max_epochs": 300, "learning_rate": 1e-3, "patch": "$@batch_volumes + 80"}
        config["network_def"] = {
            "_target_": "UNet", "_desc_": "a common one", "spatial_dims": 2, "in_channels": 1, "out_channels": 1,
            "channels": [16, 32, 64], "strides": "$[2] * 2", "norm": ["INSTANCE", {"affine": True}],
        }  # fmt: skip
        config["loss"] = {"_target_": "monai.losses.DiceFocalLoss", "sigmoid": True}
        config["optimizer"]["_target_"] = "torch.optim.SGD"
        config["output_dir"] = "$@bundle_root + '/my_runs'"

    found = review(pack(changed(Bundle(GRAY_MATTER), tmp_path, "train.json", edit), tmp_path))
    assert found.findings == []
    assert {finding.text for finding in found.harmless} == {
        "UNet", "monai.losses.DiceFocalLoss", "$[2] * 2", "$@batch_volumes + 80", "$@bundle_root + '/my_runs'"
    }  # fmt: skip


# As bundles of MONAI's model zoo are written
OTHERS = {
    "imports": ["$import glob", "$import os", "$import math", "$import numpy as np"],
    "bundle_root": ".",
    "dataset_dir": "data",
    "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    "images": "$list(sorted(glob.glob(@dataset_dir + '/imagesTr/*.nii.gz')))",
    "entries": "$[{'image': i, 'label': l} for i, l in zip(@images, @images)]",
    "pairs": "$[{'image': i} for i in @images]",
    "split": "$int(len(@images) * 0.8)",
    "ckpt": "$@bundle_root + '/models/model.pt'",
    "network_def": {"_target_": "monai.networks.nets.DynUNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2},
    "backbone": {"_target_": "resnet18", "spatial_dims": 3, "n_input_channels": 1},
    "head": {"_target_": "torch.nn.Sequential", "_mode_": "callable"},
    "layer": {"_target_": "torch.nn.Linear", "in_features": 8, "out_features": "$2 ** 3"},
    "init": {"_target_": "torch.nn.init.xavier_uniform_", "_mode_": "callable"},
    "activation": "$torch.nn.functional.relu",
    "network": "$@network_def.to(@device)",
    "ratio": "$math.sqrt(2) if @split > 1 else np.pi",
    "mean": "$torch.tensor([0.5, 0.5]).mean().item()",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": ["image", "label"], "reader": "NibabelReader", "image_only": True},
            {"_target_": "monai.transforms.ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0},
            {"_target_": "EnsureTyped", "keys": "image", "device": "@device", "_disabled_": "$not torch.cuda.is_available()"},
            {"_target_": "RandCropByPosNegLabeld", "keys": ["image"], "label_key": "label", "spatial_size": "$[96] * 3"},
        ],
    },
    "dataset": {"_target_": "CacheDataset", "data": "@pairs", "transform": "@preprocessing", "cache_rate": 0.5},
    "loader": {"_target_": "ThreadDataLoader", "dataset": "@dataset", "batch_size": 2, "num_workers": 0},
    "plain_loader": {"_target_": "torch.utils.data.DataLoader", "collate_fn": "$monai.data.list_data_collate"},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 96], "sw_batch_size": 4, "overlap": 0.5},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "writer": "NibabelWriter"},
        ],
    },
    "output_dir": "$@bundle_root + '/eval'",
    "saved": "$os.path.join(@output_dir, 'model.pt')",
    "handlers": [
        {"_target_": "CheckpointLoader", "load_path": "@ckpt", "_disabled_": "$not os.path.exists(@ckpt)"},
        {"_target_": "ignite.handlers.EarlyStopping", "score_function": "$lambda engine: engine.state.metrics"},
        {"_target_": "EarlyStopHandler", "patience": 5, "score_function": "$monai.handlers.stopping_fn_from_metric('dice')"},
        {"_target_": "ignite.metrics.MeanSquaredError"},
    ],
    "trainer": {"_target_": "SupervisedTrainer", "max_epochs": 5, "amp": True, "_requires_": ["@seed"]},
    "relative": {"a": 2, "b": "$@#a + 1", "c": "%#a"},
    "seed": "$monai.utils.set_determinism(seed=123)",
    "train#trainer#max_epochs": 10,
    "run": ["$@trainer.run()"],
}  # fmt: skip


def test_bundles_of_others_pass():
    found = ConfigReview({"configs/train.json": json.dumps(OTHERS).encode()})
    assert [str(finding) for finding in found.findings] == []
    assert found.ours + len(found.harmless) == 48


def test_a_log_file_in_the_folder_passes():
    text = "[handlers]\nkeys=f\n[handler_f]\nclass=logging.FileHandler\nlevel=INFO\nargs=('run.log', 'a')\n"
    assert list(review_logging("configs/logging.conf", text.encode())) == []


def test_packed_and_unpacked_with_one_short_question(tmp_path):
    path = pack(Bundle(DIGITS), tmp_path)
    no = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "no")], input="n\n")
    assert no.exit_code == 1 and not (tmp_path / "no").exists()
    assert no.output.count("\n") == 2 and re.search(r"not signed; \d+ entries of ours\n", no.output)
    assert "Unpack handwritten" in no.output
    nobody = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "no")], input="")
    assert "not unpacked, as nobody answered" in str(nobody.exception) and not (tmp_path / "no").exists()
    yes = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "yes")], input="y\n")
    assert yes.exit_code == 0, yes.output
    folder = tmp_path / "yes" / DIGITS.name
    assert (folder / "models" / "model.pt").read_bytes() == (DIGITS / "models" / "model.pt").read_bytes()
    assert [entry.name for entry in (tmp_path / "yes").iterdir()] == [DIGITS.name]


def test_nothing_is_packed_that_could_not_be_unpacked(tmp_path):
    bundle = changed(Bundle(DIGITS), tmp_path, "train.json", lambda config: None)
    (bundle.folder / "docs" / "figure.svg").write_text("x")
    with pytest.raises(UserError, match=r"figure\.svg: does not belong"):
        pack(bundle, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_what_is_there_is_replaced_only_where_asked_and_only_a_bundle(tmp_path):
    found = review(write_zip(tmp_path / "a.zip"))
    target = unpack(found, tmp_path)
    (target / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="already exists"):
        unpack(found, tmp_path)
    assert unpack(found, tmp_path, overwrite=True) == target
    assert not (target / "mine.txt").exists()
    other = tmp_path / "documents" / TOP
    other.mkdir(parents=True)
    (other / "letter.txt").write_text("x")
    with pytest.raises(UserError, match="is no bundle"):
        unpack(found, other.parent, overwrite=True)
    assert (other / "letter.txt").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "documents", TOP]


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    found = review(write_zip(tmp_path / "a.zip"))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "configs").mkdir(parents=True)
    (elsewhere / "configs" / "metadata.json").write_text("{}")
    (tmp_path / TOP).symlink_to(elsewhere)
    with pytest.raises(UserError, match="already exists"):
        unpack(found, tmp_path)
    unpack(found, tmp_path, overwrite=True)
    assert not (tmp_path / TOP).is_symlink() and (elsewhere / "configs" / "metadata.json").read_text() == "{}"
    assert [entry.name for entry in elsewhere.iterdir()] == ["configs"]


def test_trust_goes_on_and_says_what_it_trusted(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD | {"scripts/mine.py": b"x = 1\n", "configs/more.json": b'{"x": "$[/y]"}'})
    result = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path), "--trust"])
    assert result.exit_code == 0
    assert "trusted: scripts/mine.py" in result.output and "trusted: configs/more.json: x: $[/y]" in result.output
    assert (tmp_path / TOP / "scripts" / "mine.py").read_bytes() == b"x = 1\n"


def test_released_files_pass_though_they_changed_since(tmp_path):

    digest, name = RELEASED.read_text().splitlines()[0].split()
    assert len(digest) == 64 and name.startswith(("scripts/", "configs/"))
    assert not is_ours(name, b"other")


# Folders


def hostile(tmp_path, change) -> str:
    return str(changed(Bundle(DIGITS), tmp_path, "inference.json", change).folder)


def test_a_strangers_folder_is_reviewed_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = hostile(tmp_path, lambda config: config.update(device="$__import__('os').system('touch RAN')"))
    checked = CliRunner().invoke(app, ["verify", folder])
    assert checked.exit_code == 1 and "configs/inference.json: device:" in checked.output
    with pytest.raises(UserError, match=r"configs/inference\.json: device: .*--trust"):
        get_bundle(folder)
    segmented = CliRunner().invoke(app, ["segment", folder, str(DIGITS / "docs" / "example.png"), "-o", "out"])
    assert isinstance(segmented.exception, UserError)
    assert sorted(path.name for path in tmp_path.iterdir()) == [DIGITS.name]
    assert get_bundle(folder, trust=True).name == DIGITS.name


def test_weights_of_ones_own_are_not_loaded_into_a_strangers_network_unreviewed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = hostile(tmp_path, lambda config: config.update(device="$__import__('os').system('touch RAN')"))
    weights = str(DIGITS / "models" / "model.pt")
    result = CliRunner().invoke(app, ["pack", folder, "-o", "dist", "--weights", weights, "--name", "mine", "--version", "1.0.0"])
    assert isinstance(result.exception, UserError) and "configs/inference.json: device:" in str(result.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == [DIGITS.name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("torch.py", b"open('RAN', 'w')"),
        ("monai/__init__.py", b"open('RAN', 'w')"),
        ("scripts/evil.py", b"open('RAN', 'w')"),
        ("scripts/evil.so", b"x"),
        ("yaml.pyc", b"x"),
        ("configs/more.yaml", b"a: $exit()"),
        ("configs/deep/more.JSON", b'{"a": "$exit()"}'),
        ("models/more.pt", b"x"),
        ("configs/more.conf", b"[handler_a]\nclass=os.system\n"),
    ],
)
def test_files_of_a_folder_that_do_not_pass(tmp_path, name, content):
    folder = hostile(tmp_path, lambda config: None)
    assert review_folder(tmp_path / DIGITS.name).findings == []
    path = tmp_path / DIGITS.name / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert [finding.file for finding in review_folder(tmp_path / DIGITS.name).findings] == [name]
    with pytest.raises(UserError, match="refused"):
        get_bundle(folder)


def test_folders_with_links(tmp_path):
    hostile(tmp_path, lambda config: None)
    folder = tmp_path / DIGITS.name
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.json").symlink_to(tmp_path / "nowhere")
    assert review_folder(folder).findings == []
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "__init__.py").write_text("open('RAN', 'w')")
    (folder / "monai").symlink_to(tmp_path / "code")
    assert [finding.file for finding in review_folder(folder).findings] == ["monai/__init__.py"]


def test_components_of_a_checkout_around_the_folder_are_not_imported(tmp_path):
    folder = changed(Bundle(DIGITS), tmp_path / "bundles", "inference.json", lambda config: None).folder
    (tmp_path / "custom_networks").mkdir()
    (tmp_path / "custom_networks" / "__init__.py").write_text("open('RAN', 'w')")
    (finding,) = review_folder(folder).findings
    assert "which is not of this repository" in finding.reason


def test_a_poisoned_cache_of_compiled_code_is_not_used(tmp_path, monkeypatch):
    """`__pycache__` of a stranger's folder could hold other code than the file beside it."""
    import importlib.util
    import py_compile

    monkeypatch.chdir(tmp_path)
    folder = unpack(review(pack(Bundle(DIGITS), tmp_path)), tmp_path)
    source = folder / "scripts" / "__init__.py"
    evil = tmp_path / "evil.py"
    evil.write_text("open('RAN', 'w')")
    py_compile.compile(
        str(evil),
        cfile=importlib.util.cache_from_source(str(source)),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    with get_bundle(str(folder)).parser("inference.json") as parser:
        parser.get_parsed_content("network_def")
    assert not (tmp_path / "RAN").exists()


# Signatures


def test_a_signature_that_was_not_checked_is_said_to_be_so(tmp_path):
    keys = str(tmp_path / "key")
    assert CliRunner().invoke(app, ["keys", keys]).exit_code == 0
    path = pack(Bundle(DIGITS), tmp_path, tmp_path / "key")
    said = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "out")], input="n\n").output
    assert "signed, but by whom was not checked; give --key" in said
    said = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "out"), "--key", f"{keys}.pub"], input="n\n").output
    assert "signed by the owner of key.pub" in said
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
