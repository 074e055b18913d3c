"""``axial pack --weights``: a bundle of one's own."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from conftest import DIGITS, GRAY_MATTER

from custom_networks import LeNet
from custom_networks.errors import UserError
from tools.bundles import Bundle
from tools.cli import app as cli
from tools.sharing.own import make_own
from tools.sharing.packing import pack as pack_bundle
from tools.sharing.verifying import verify

SUMMARY = {"structure": "all", "metric": "accuracy", "count": 40, "mean": 0.975, "deviation": 0.158, "low": 0.9, "high": 1.0}


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "mine.pt"
    torch.save(LeNet().state_dict(), path)
    return path


def pack(monkeypatch, capfd, *arguments) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["axial", "pack", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, "".join(capfd.readouterr())


def test_weights_name_version_and_scores_are_ones_own(monkeypatch, capfd, tmp_path, weights):
    (tmp_path / "scores.json").write_text(json.dumps({"bundle": DIGITS.name, "summary": [SUMMARY]}))
    options = [
        "--weights",
        weights,
        "--version",
        "1.2.0",
        "--name",
        "my_digits_classification",
        "--scores",
        tmp_path / "scores.json",
    ]
    code, _ = pack(monkeypatch, capfd, "digits", "-o", tmp_path / "dist", *options)
    assert code == 0
    with zipfile.ZipFile(tmp_path / "dist" / "my_digits_classification_v1.2.0.zip") as archive:
        names = {name.removeprefix("my_digits_classification/") for name in archive.namelist()}
        metadata = json.loads(archive.read("my_digits_classification/configs/metadata.json"))
        state = torch.load(io.BytesIO(archive.read("my_digits_classification/models/model.pt")), weights_only=True)
        readme = archive.read("my_digits_classification/docs/README.md").decode()
    assert torch.equal(state["classifier.1.weight"], torch.load(weights, weights_only=True)["classifier.1.weight"])
    assert metadata["eval_metrics"] == {"all_accuracy_mean": 0.975, "all_accuracy_deviation": 0.158, "cases": 40}
    assert metadata["version"] == "1.2.0" in metadata["changelog"] and metadata["name"] == "My digits classification"
    assert "0.975" in readme and "0.989" not in readme and not any(name.endswith(".png") for name in names)


def test_scores_of_the_old_weights_do_not_come_along(tmp_path, weights):
    own = make_own(Bundle(DIGITS), tmp_path, "mine", "1.0.0", weights)
    assert own.metadata["eval_metrics"] == {} and "Not scored." in (own.folder / "docs" / "README.md").read_text()
    path = pack_bundle(own, tmp_path / "dist")
    assert [item.name for item in verify(str(path)) if not item.passed] == []


def test_a_version_alone_keeps_the_rest(tmp_path):
    own = make_own(Bundle(DIGITS), tmp_path, version="9.0.0")
    assert own.version == "9.0.0" and own.metadata["eval_metrics"] == Bundle(DIGITS).metadata["eval_metrics"]
    assert (own.folder / "docs" / "README.md").read_bytes() == (DIGITS / "docs" / "README.md").read_bytes()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "../up"}, "--name ../up: not of the right form"),
        ({"name": "My Bundle"}, "--name My Bundle: not of the right form"),
        ({"version": "1"}, "--version 1: not of the right form"),
        ({"weights": "missing.pt"}, "missing.pt: no such file"),
        ({"weights": None}, "--name mine: another name for the same weights"),
        ({"scores": "missing.json"}, "missing.json: not the scores of a bundle"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, weights, change, text):
    options = {"name": "mine", "version": "1.0.0", "weights": weights} | change
    for key in ("weights", "scores"):
        if options.get(key):
            options[key] = Path(options[key])
    with pytest.raises(UserError) as error:
        make_own(Bundle(DIGITS), tmp_path / "own", **options)
    assert text in str(error.value) and not (tmp_path / "own").exists()


def test_weights_of_another_network_and_scores_of_another_bundle(tmp_path, weights):
    with pytest.raises(UserError, match="not the weights of spinal_cord_gray_matter_segmentation's network"):
        make_own(Bundle(GRAY_MATTER), tmp_path / "own", "mine", "1.0.0", weights)
    weights.with_name("broken.pt").write_bytes(b"no weights")
    with pytest.raises(UserError, match="not a file of weights"):
        make_own(Bundle(DIGITS), tmp_path / "own", "mine", "1.0.0", weights.with_name("broken.pt"))
    (tmp_path / "scores.json").write_text(json.dumps({"bundle": "other", "summary": [SUMMARY]}))
    with pytest.raises(UserError, match="the scores of other"):
        make_own(Bundle(DIGITS), tmp_path / "own", "mine", "1.0.0", weights, tmp_path / "scores.json")
