"""The best of folds, their average and their ensemble."""

import json

import pytest
import torch

from custom_networks.errors import UserError
from tests.conftest import DIGITS
from tools.bundles import Bundle
from tools.scoring.combining import average_states, combine, mean_network
from tools.scoring.crossvalidate import CrossValidation


def states(**values):
    return {name: {"weight": torch.tensor([float(value)]), "count": torch.tensor(int(value))} for name, value in values.items()}


@pytest.fixture
def data(tmp_path):
    """Four cases to train and test on, and two to validate."""
    entries = [{"image": f"{name}.png", "label": 1} for name in "abcd"]
    content = {"labels": {}, "training": entries, "validation": [{"image": f"{name}.png", "label": 1} for name in "xy"], "test": []}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content))
    return tmp_path / "data"


class Recorded(CrossValidation):
    """Trains weights of the fold's number, and scores by how near they are to what is best."""

    best, ensemble = 1.4, 0.0

    def _start(self, run_id, fold, configs, settings):
        folder = settings["output_dir"]
        folder.mkdir(parents=True, exist_ok=True)
        if run_id == "training":
            torch.save(states(one=int(fold.name))["one"], folder / "model.pt")
            return True
        self.scored = [*getattr(self, "scored", []), (folder.name, settings["section"], len(configs))]
        self.settings_of = getattr(self, "settings_of", {}) | {folder.name: settings}
        state = torch.load(settings["ckpt"], weights_only=True)
        score = 1 - abs(state["weight"].item() - self.best) if "weight" in state else self.ensemble
        cases = "".join(f"{name},0.3,{score}\n" for name in "xy")
        (folder / "scores.csv").write_text(f"case,first class,mean\n{cases}")
        return True


@pytest.mark.parametrize(
    ("best", "ensemble", "taken"), [(1.4, 0.0, "average"), (2.0, 0.5, "fold 2"), (2.0, 2.0, "ensemble"), (2.0, 1.0, "fold 2")]
)
def test_what_scores_best_is_taken(data, tmp_path, monkeypatch, best, ensemble, taken):
    """On the validation cases, by the mean of all classes; of equals a fold."""
    monkeypatch.setattr(Recorded, "best", best)
    monkeypatch.setattr(Recorded, "ensemble", ensemble)
    validation = Recorded(Bundle(DIGITS), data, tmp_path / "out", 2)
    validation.run()
    validation.scored = []
    candidates, found = combine(validation)
    assert [candidate.name for candidate in candidates] == ["fold 1", "fold 2", "average", "ensemble"]
    assert found.name == taken and found.score.count == 2
    assert (tmp_path / "out" / "model.pt").read_bytes() == found.weights.read_bytes()
    assert (tmp_path / "out" / "ensemble.json").exists() == (taken == "ensemble")
    assert validation.scored == [
        (name, "validation", 2 + (name == "ensemble")) for name in ("fold_1", "fold_2", "average", "ensemble")
    ]
    validation.scored = []
    assert combine(validation)[1].name == taken and validation.scored == []  # what was scored is kept


def test_an_average_is_the_mean_in_float32():
    found = average_states({"1": {"weight": torch.tensor([1.0]).half()}, "2": {"weight": torch.tensor([2.0]).half()}})
    assert found["weight"] == torch.tensor([1.5]) and found["weight"].dtype == torch.float32
    assert average_states(states(a=3, b=4))["count"] == 3


def test_an_ensemble_is_of_the_network_that_was_trained():
    network = mean_network(Bundle(DIGITS), ["configs/train.json"], {"network_def#num_classes": "3"}, 2)  # as --set gives it
    assert network["_target_"].endswith("MeanNetwork") and [member["num_classes"] for member in network["members"]] == [3, 3]
    network = mean_network(Bundle(DIGITS), ["configs/train.json"], {"network_def#dropout": "false"}, 2)
    assert [member["dropout"] for member in network["members"]] == [False, False]


@pytest.mark.parametrize(
    ("entries", "pattern", "count"),
    [
        ([{"image": "p1_x.png"}, {"image": "p1_y.png"}], "p[0-9]", 1),
        ([{"image": "p1_x.png"}, {"image": "p2_y.png"}], "p[0-9]", 2),
        ([{"image": "a.png", "subject": "1"}, {"image": "b.png", "subject": "1"}], None, 1),
        ([{"image": "phantom_x.png"}, {"image": "phantom_y.png"}], "p[0-9]", 2),
    ],
)
def test_scans_of_one_person_count_as_one(data, tmp_path, entries, pattern, count):
    """As in the table of all folds; two scans of one had an interval as of two people."""
    path = data / "dataset.json"
    content = json.loads(path.read_text())
    entries = [entry | {"label": 1} for entry in entries]
    training = [{"image": f"p{n}_{n}.png", "label": 1, "subject": str(n)} for n in range(3, 7)]
    path.write_text(json.dumps(content | {"training": training, "validation": entries}))
    validation = Recorded(Bundle(DIGITS), data, tmp_path / "out", 2, pattern)
    validation.run()
    assert {candidate.score.count for candidate in combine(validation)[0]} == {count}


@pytest.mark.parametrize("name", ["network_def#num_classes", "network_def::num_classes"])
def test_settings_of_the_network_are_in_the_ensemble_s_members(data, tmp_path, name):
    """Put on top of the mean of networks, which takes none, they ended each scoring of the ensemble."""
    validation = Recorded(Bundle(DIGITS), data, tmp_path / "out", 2, settings={name: "10", "size": "28"})
    validation.run()
    combine(validation)
    asked = {folder: {key for key in (name, "size") if key in found} for folder, found in validation.settings_of.items()}
    assert asked["average"] == asked["fold_1"] == {name, "size"} and asked["ensemble"] == {"size"}
    network = json.loads((tmp_path / "out" / "combined" / "ensemble.json").read_text())["network_def"]
    assert [member["num_classes"] for member in network["members"]] == [10, 10]


def test_without_validation_cases_nothing_can_be_chosen(tools, data, tmp_path):
    """Which is said before anything is trained; what was trained already is combined as the message says."""
    path = data / "dataset.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"validation": []}))
    code, printed = tools("crossvalidate", "digits", data, "-o", tmp_path / "out", "--folds", "2", "--combine")
    assert code == 2 and "no validation cases" in printed and not (tmp_path / "out").exists()
    validation = Recorded(Bundle(DIGITS), data, tmp_path / "out", 2)
    validation.run()
    with pytest.raises(UserError, match="--weights"):
        combine(validation)
    path.write_text(json.dumps(content))
    other = Recorded(Bundle(DIGITS), data, tmp_path / "other", 2, weights=tmp_path / "out")
    other.run()
    assert combine(other)[1].name == "average"
