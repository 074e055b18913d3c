"""Networks that are trained one by one and answer together."""

import json
import shutil
import subprocess
import sys

import pytest
import torch

from custom_networks.errors import UserError
from tests.conftest import CHEST, REPOSITORY
from tools.bundles import Bundle, get_bundle
from tools.phantoms.write import write_chest_phantoms
from tools.weights import ensemble
from tools.weights.ensemble import train_ensemble


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return write_chest_phantoms(tmp_path_factory.mktemp("chest") / "data", 4, 0).parent


@pytest.fixture
def data(phantoms, tmp_path):
    """A data set of its own for each test, as some change it."""
    content = json.loads((phantoms / "dataset.json").read_text())
    for section in ("training", "validation", "test"):
        content[section] = [{key: str(phantoms / value) for key, value in entry.items()} for entry in content[section]]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content))
    return tmp_path / "data"


def test_the_command_trains_each_with_its_seed_and_goes_on(data, tmp_path):
    """As a user types it; the second time nothing is trained."""
    command = [sys.executable, "-m", "tools", "ensemble", "chest", str(data), "-o", str(tmp_path / "run")]
    for setting in ("size=32", "max_epochs=1", "epoch_length=1", "batch_size=2", "val_interval=1"):
        command += ["--set", setting]
    first = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stderr.count("training") == 2 and "model_average.pt" in first.stdout
    states = torch.load(tmp_path / "run" / "model_average.pt", weights_only=True)
    members = [torch.load(tmp_path / "run" / f"member_{k}" / "run" / "model_average.pt", weights_only=True) for k in (0, 1)]
    assert set(states) == {f"members.{k}.{name}" for k in (0, 1) for name in members[0]}
    weight = next(name for name, value in members[0].items() if value.ndim > 1)
    assert not torch.equal(members[0][weight], members[1][weight])  # of other seeds
    assert all(torch.equal(states[f"members.{k}.{weight}"], members[k][weight]) for k in (0, 1))
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert again.returncode == 0 and "training" not in again.stderr
    content = json.loads((data / "dataset.json").read_text())
    (data / "dataset.json").write_text(json.dumps(content | {"training": content["training"][1:]}))
    other = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert other.returncode == 2 and "of other data" in other.stderr


def test_a_member_that_fails_is_named_and_trained_again(data, tmp_path, monkeypatch):
    calls = []

    def run_config(bundle, run_id, configs, settings, log, jobs):
        calls.append(settings["seed"])
        torch.save({"weight": torch.full((2,), float(settings["seed"]))}, settings["output_dir"] / "model.pt")
        return settings["seed"] != 1 or len(calls) > 2

    monkeypatch.setattr(ensemble, "run_config", run_config)
    bundle = get_bundle("chest_xray")
    with pytest.raises(UserError, match="1 of 2 members failed") as error:
        train_ensemble(bundle, data, tmp_path / "run")
    assert "member_1" in str(error.value)
    states = torch.load(train_ensemble(bundle, data, tmp_path / "run"), weights_only=True)
    assert calls == [0, 1, 1] and states["members.1.weight"].tolist() == [1, 1]


def test_members_of_files_that_have_changed_are_refused(data, tmp_path, monkeypatch):
    def run_config(bundle, run_id, configs, settings, log, jobs):
        torch.save({"weight": torch.zeros(2)}, settings["output_dir"] / "model.pt")
        return True

    monkeypatch.setattr(ensemble, "run_config", run_config)
    path = data / "dataset.json"
    content = json.loads(path.read_text())
    own = data / "label.png"
    own.write_bytes(b"first")
    content["training"][0]["label"] = str(own)
    path.write_text(json.dumps(content))
    train_ensemble(get_bundle("chest"), data, tmp_path / "run")
    train_ensemble(get_bundle("chest"), data, tmp_path / "run")
    own.write_bytes(b"other")
    with pytest.raises(UserError, match=r"on label\.png before it was changed"):
        train_ensemble(get_bundle("chest"), data, tmp_path / "run")


def test_a_label_mended_after_a_training_that_learnt_nothing_is_taken(data, tmp_path, monkeypatch):
    (data / "label.png").write_bytes(b"wrong")
    content = json.loads((data / "dataset.json").read_text())
    content["training"][0]["label"] = "label.png"
    content["test"] = ["kept_aside.png"]  # as the Decathlon lists them; no training reads them
    (data / "dataset.json").write_text(json.dumps(content))
    monkeypatch.setattr(ensemble, "run_config", lambda *arguments: False)
    for mended in (b"still wrong", b"right"):
        with pytest.raises(UserError, match="2 of 2 members failed"):
            train_ensemble(get_bundle("chest"), data, tmp_path / "run")
        (data / "label.png").write_bytes(mended)


@pytest.mark.parametrize("count", [1, 3])
def test_members_are_as_many_as_the_network_has(data, tmp_path, monkeypatch, count):
    """Two were trained of a network of three, unless one gave their number."""
    folder = tmp_path / "chest"
    shutil.copytree(CHEST, folder, ignore=shutil.ignore_patterns("*.pt", "*.png"))
    train = json.loads((folder / "configs" / "train.json").read_text())
    train["network_def"]["members"] = train["network_def"]["members"][:1] * count
    (folder / "configs" / "train.json").write_text(json.dumps(train))
    seeds = []

    def run_config(bundle, run_id, configs, settings, log, jobs):
        seeds.append(settings["seed"])
        torch.save({"weight": torch.zeros(2)}, settings["output_dir"] / "model.pt")
        return True

    monkeypatch.setattr(ensemble, "run_config", run_config)
    train_ensemble(Bundle(folder), data, tmp_path / "run")
    assert seeds == list(range(count))


def test_members_that_painted_other_lesions_are_refused(data, tmp_path, monkeypatch):
    def run_config(bundle, run_id, configs, settings, log, jobs):
        torch.save({"weight": torch.zeros(2)}, settings["output_dir"] / "model.pt")
        return True

    monkeypatch.setattr(ensemble, "run_config", run_config)
    train_ensemble(get_bundle("chest"), data, tmp_path / "run")
    (data / "priors").mkdir()
    (data / "priors" / "patient.nii").write_bytes(b"mask")
    with pytest.raises(UserError, match="on priors before it was changed"):
        train_ensemble(get_bundle("chest"), data, tmp_path / "run")


def test_a_member_without_weights_is_not_done(data, tmp_path, monkeypatch):
    monkeypatch.setattr(ensemble, "run_config", lambda *arguments: True)
    with pytest.raises(UserError, match="2 of 2 members failed"):
        train_ensemble(get_bundle("chest"), data, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("done"))


def test_what_is_missing_is_said(data, tmp_path):
    with pytest.raises(UserError, match=r"dataset\.json"):
        train_ensemble(get_bundle("chest_xray"), tmp_path, tmp_path / "run")
    with pytest.raises(UserError, match="--overlay else"):
        train_ensemble(get_bundle("chest"), data, tmp_path / "run", overlays=["else"])
    with pytest.raises(UserError, match="no mean of several"):
        train_ensemble(get_bundle("digits"), data, tmp_path / "run")
    with pytest.raises(UserError, match="mean of 2, not of 3"):
        train_ensemble(get_bundle("chest"), data, tmp_path / "run", 3)


@pytest.mark.parametrize("setting", ["seed=3", "output_dir=x", "dataset_dir=x"])
def test_what_each_member_has_of_its_own_is_refused(tools, data, tmp_path, setting):
    code, printed = tools("ensemble", "chest", data, "-o", tmp_path / "run", "--set", setting)
    assert code == 2 and "each training has its own" in printed
