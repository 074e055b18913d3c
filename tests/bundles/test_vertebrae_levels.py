"""The network of levels: one command trains it, and the shipped one knows where ribs end and the sacrum begins."""

import csv
import json

import numpy as np
import pytest
import torch
from conftest import VERTEBRAE, save_nifti

from custom_networks import UserError
from custom_networks.vertebrae.kinds import KINDS, kinds_in_view
from custom_networks.vertebrae.traversal import FoundVertebra, Instance, TraversalState
from tools.bundles import Bundle
from tools.phantoms.spine import make_spine_phantom
from tools.phantoms.spine_anatomy import L6, Person

MOST_BYTES = 2_000_000


def write_scans(folder) -> None:
    """Two scans of four boxes in place of vertebrae."""
    for case in range(2):
        labels = np.zeros((40, 40, 90), np.int16)
        for place, number in enumerate((21, 20, 19, 18)):
            labels[12:26, 14:28, 6 + 20 * place : 20 + 20 * place] = number
        save_nifti(folder / f"{case}_label.nii.gz", labels, np.diag([3.0, 3.0, 3.0, 1.0]))
        save_nifti(
            folder / f"{case}_image.nii.gz", np.where(labels > 0, 500, -100 * case).astype(np.int16), np.diag([3.0, 3.0, 3.0, 1.0])
        )
    entries = [{"image": f"{case}_image.nii.gz", "label": f"{case}_label.nii.gz"} for case in range(2)]
    (folder / "dataset.json").write_text(json.dumps({"training": entries, "validation": [], "test": []}))


def train(folder, epochs: int) -> list[dict]:
    settings = {"dataset_dir": str(folder), "output_dir": str(folder / "out"), "epoch_length": 1, "batch_size": 2}
    with Bundle(VERTEBRAE).parser("train.json", "train_levels.json", max_epochs=epochs, **settings) as parser:
        parser.get_parsed_content("initialize")
        parser.get_parsed_content("run")
    with (folder / "out" / "curves.csv").open() as file:
        return list(csv.DictReader(file))


def test_one_command_trains_it_and_goes_on_where_it_ended(tmp_path):
    write_scans(tmp_path)
    train(tmp_path, 1)
    rows = train(tmp_path, 2)
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert all(np.isfinite(float(row["loss"])) and 0 <= float(row["kind_accuracy"]) <= 1 for row in rows)
    weights = torch.load(tmp_path / "out" / "model_average.pt", weights_only=True)
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.float16}
    with Bundle(VERTEBRAE).parser("inference.json") as parser:
        parser.get_parsed_content("level_network_def").load_state_dict(weights)


@pytest.fixture(scope="module")
def phantom():
    return make_spine_phantom(np.random.default_rng(8), "abdomen", Person(extra=L6))


def identify(phantom, identification) -> dict[int, str]:
    """Ask for all vertebrae of a phantom, whose masks are perfect, and return the likeliest kind of each."""
    state = TraversalState.begin(torch.from_numpy(phantom.image.astype(np.float32) / 1000), 0.2)
    state.owner[:] = torch.from_numpy(phantom.label.astype(np.uint8))
    state.probability[state.owner > 0] = 1
    instances = []
    for number in np.unique(phantom.label)[1:]:
        places = np.argwhere(phantom.label == number)
        found = FoundVertebra(int(number), True, 1.0, None, 1)
        instances.append(Instance(found, int(number), 0, places.min(0), places.max(0) + 1, places.mean(0), len(places)))
    instances.sort(key=lambda instance: -instance.centroid[2])
    answers = identification(state, instances, 2.0, 0.5)
    return {instance.owner: KINDS[int(a.kinds.argmax())] for instance, a in zip(instances, answers, strict=True)}


def test_shipped_weights_count_six_lumbar_vertebrae(phantom):
    path = VERTEBRAE / "models" / "levels.pt"
    assert path.stat().st_size < MOST_BYTES
    with Bundle(VERTEBRAE).parser("inference.json") as parser:
        seen = identify(phantom, parser.get_parsed_content("identification"))
    truth = {number: KINDS[kind] for number, kind in kinds_in_view(set(seen)).items()}
    wanted = ("last thoracic", "first lumbar", "lumbar", "last lumbar", "sacrum")
    assert {n: seen[n] for n in seen if truth[n] in wanted} == {n: truth[n] for n in seen if truth[n] in wanted}


def test_it_may_be_left_out_and_its_file_may_not_be_missing(tmp_path):
    for config in ("inference.json", "train.json"):
        with Bundle(VERTEBRAE).parser(config, identification=None) as parser:
            assert parser.get_parsed_content("inferer").identification is None
    with Bundle(VERTEBRAE).parser("inference.json") as parser:
        parser["identification#path"] = str(tmp_path / "levels.pt")
        identification = parser.get_parsed_content("identification")
        state = TraversalState.begin(torch.zeros(8, 8, 8), 0.2)
        with pytest.raises(UserError, match=r"levels\.pt: no such file"):
            identification(state, [], 2.0, 0.5)
