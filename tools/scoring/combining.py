"""Put the networks of folds together, and take what scores better on cases that none of them was trained on."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from fire.parser import DefaultParseValue

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json, write_result
from custom_networks.results.write_state import write_state

from ..bundles import Bundle
from ..weights.training import python_words, read_configs
from .crossvalidate import CrossValidation
from .spread import Spread, main_score, spread

AVERAGE, ENSEMBLE = "average", "ensemble"
OVERLAY = "ensemble.json"  # the mean network's config, for train.json and inference.json


@dataclass(frozen=True)
class Candidate:
    """Weights that may be taken.

    Attributes:
        name: of a fold, or `AVERAGE` or `ENSEMBLE`.
        weights: the file.
        overlays: configs that its network needs.
        score: the main score of the validation cases over subjects, see `main_score`; None where it could not be scored.
    """

    name: str
    weights: Path
    overlays: tuple[str, ...] = ()
    score: Spread | None = None


def combine(validation: CrossValidation, tell: Callable[[str], None] = lambda text: None) -> tuple[list[Candidate], Candidate]:
    """Score each fold's network, the average of their weights and the mean of their answers; write the best to ``model.pt``.

    All are scored on the validation cases of the data set, which train in no fold. Of equals the simpler is taken: the average or
    the mean of all only where it scores better than the best fold. Beside an ensemble ``ensemble.json`` is its network.

    Args:
        validation: folds that are trained.
        tell: called with a line for every step.

    Returns:
        all with their scores, and that which is taken.

    Raises:
        UserError: when the data set has no validation cases, or nothing could be scored.
    """
    check_combining(validation.data, validation.content)
    folder = validation.output.resolve() / "combined"
    weights = validation.weights()
    states = {name: torch.load(path, map_location="cpu", weights_only=True) for name, path in weights.items()}
    write_state(folder / f"{AVERAGE}.pt", average_states(states))
    write_state(folder / f"{ENSEMBLE}.pt", member_states(states))
    write_json(
        folder / OVERLAY, {"network_def": mean_network(validation.bundle, validation.configs, validation.settings, len(states))}
    )
    candidates = [Candidate(f"fold {name}", path) for name, path in weights.items()]
    candidates.append(Candidate(AVERAGE, folder / f"{AVERAGE}.pt"))
    candidates.append(Candidate(ENSEMBLE, folder / f"{ENSEMBLE}.pt", (str(folder / OVERLAY),)))
    scored = [_scored(validation, candidate, folder / candidate.name.replace(" ", "_"), tell) for candidate in candidates]
    there = [candidate for candidate in scored if candidate.score is not None and candidate.score.count]
    if not there:
        raise UserError("No network could be scored on the validation cases.", f"Read {folder.parent / 'fold_*' / 'log.txt'}.")
    best = max(there, key=lambda candidate: candidate.score.mean)
    write_result(validation.output / "model.pt", partial(shutil.copyfile, best.weights))
    overlay = validation.output / OVERLAY
    if best.overlays:
        write_result(overlay, partial(shutil.copyfile, best.overlays[0]))
    else:
        overlay.unlink(missing_ok=True)
    return scored, best


def check_combining(data: Path, content: Mapping) -> None:
    """Demand validation cases, before anything is trained.

    Args:
        data: data set.
        content: of its ``dataset.json``.

    Raises:
        UserError: when there are none.
    """
    if not content["validation"]:
        raise UserError(
            f"{data / 'dataset.json'}: no validation cases, by which to choose among folds and their average.",
            "Add a section validation of people who are in no other, or leave --combine out. Folds that are trained already are "
            "then taken by --weights FOLDER, with another folder at -o.",
        )


def average_states(states: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the mean of state dicts of one network, in float32; of what is no floating-point number that of the first."""
    first, *others = states.values()
    return {
        name: torch.stack([value.float(), *(other[name].float() for other in others)]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


def member_states(states: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the state dict of a `MeanNetwork` of networks."""
    return {f"members.{n}.{name}": value for n, state in enumerate(states.values()) for name, value in state.items()}


def mean_network(bundle: Bundle, configs: list[str], settings: Mapping[str, str], members: int) -> dict:
    """Return the config of a `MeanNetwork` of so many networks as configs and settings make one."""
    parser = read_configs(bundle, configs)
    for name, value in settings.items():
        parser[name] = DefaultParseValue(python_words(value))  # as MONAI's command line does
    network = parser["network_def"]
    while isinstance(network, str) and network.startswith("@"):
        network = parser[network[1:]]
    return {"_target_": "scripts.custom_networks.MeanNetwork", "members": [json.loads(json.dumps(network)) for _ in range(members)]}


def _scored(validation: CrossValidation, candidate: Candidate, folder: Path, tell: Callable[[str], None]) -> Candidate:
    count = len(validation.content["validation"])
    begin = partial(tell, f"{candidate.name}: scoring {count} validation cases")
    options = {"section": "validation", "overlays": candidate.overlays}
    settings = validation.settings
    if candidate.overlays:  # the members of its network have those of theirs
        settings = {name: value for name, value in settings.items() if name.replace("::", "#").split("#")[0] != "network_def"}
    if not validation.evaluate(validation.folds[0], candidate.weights, folder, settings, begin, **options):
        tell(f"{candidate.name}: could not be scored")
        return candidate
    rows = validation.scores(folder, validation.content["validation"])
    name = main_score(rows)
    score = spread([float(row[name] or "nan") for row in rows], [row["subject"] for row in rows], name)
    return Candidate(candidate.name, candidate.weights, candidate.overlays, score)
