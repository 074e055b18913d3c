"""Networks that are trained one by one and answer together."""

import json
import subprocess
import sys

import pytest
import torch

from custom_networks.errors import UserError
from tests.conftest import REPOSITORY
from tools.bundles import get_bundle
from tools.datasets.digits import prepare_digits
from tools.weights import ensemble
from tools.weights.ensemble import train_ensemble


@pytest.fixture
def data(tmp_path):
    path = prepare_digits(tmp_path / "digits", 0, False)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"training": content["training"][:20], "validation": content["validation"][:5]}))
    return path.parent


def test_the_command_trains_each_with_its_seed_and_goes_on(data, tmp_path):
    """As a user types it; the second time nothing is trained."""
    overlay = tmp_path / "own.json"
    overlay.write_text('{"max_epochs": 1}')
    command = [
        sys.executable,
        "-m",
        "tools",
        "ensemble",
        "digits",
        str(data),
        "-o",
        str(tmp_path / "run"),
        "--overlay",
        str(overlay),
    ]
    command += ["--set", "val_interval=1"]
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
    other = subprocess.run([*command, "--set", "max_epochs=2"], cwd=REPOSITORY, capture_output=True, text=True)
    assert other.returncode == 2 and "another recipe" in other.stderr


def test_a_member_that_fails_is_named_and_trained_again(data, tmp_path, monkeypatch):
    calls = []

    def run_config(bundle, run_id, configs, settings, log, jobs):
        calls.append(settings["seed"])
        torch.save({"weight": torch.full((2,), float(settings["seed"]))}, settings["output_dir"] / "model.pt")
        return settings["seed"] != 1 or len(calls) > 3

    monkeypatch.setattr(ensemble, "run_config", run_config)
    bundle = get_bundle("chest_xray")
    with pytest.raises(UserError, match="1 of 3 members failed") as error:
        train_ensemble(bundle, data, tmp_path / "run", 3)
    assert "member_1" in str(error.value)
    states = torch.load(train_ensemble(bundle, data, tmp_path / "run", 3), weights_only=True)
    assert calls == [0, 1, 2, 1] and states["members.2.weight"].tolist() == [2, 2]


def test_what_is_missing_is_said(data, tmp_path):
    with pytest.raises(UserError, match=r"dataset\.json"):
        train_ensemble(get_bundle("chest_xray"), tmp_path, tmp_path / "run")
    with pytest.raises(UserError, match="--overlay one_network"):
        train_ensemble(get_bundle("digits"), data, tmp_path / "run")
    typed = [sys.executable, "-m", "tools", "ensemble", "chest", str(data), "-o", str(tmp_path / "run"), "--set", "seed=3"]
    done = subprocess.run(typed, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2 and "seeds of their own" in done.stderr
