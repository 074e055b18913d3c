"""Train the members of a `MeanNetwork`, each in a process and with a seed of its own, and put them together."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from custom_networks.errors import UserError
from custom_networks.results.write_state import write_state

from ..bundles import Bundle
from ..layout.data_list import read_list
from .keeping import check_begun, finish, trained_on, write_begun
from .processes import ending_with
from .training import check_settings, overlay_path, run_config


def train_ensemble(
    bundle: Bundle,
    data: Path,
    output: Path,
    members: int | None = None,
    overlays: Sequence[str] = ("one_network",),
    settings: dict[str, str] | None = None,
    jobs: int = 1,
    tell: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train each member by ``train.json`` and overlays, seeds 0, 1, ..., and write the weights of their mean.

    What was interrupted goes on, and members that are done are kept.

    Args:
        bundle: whose members are trained.
        data: data set with ``dataset.json``.
        output: folder of ``member_0/run`` and so on, and of the result.
        members: how many the network is taken to have; None takes as many as ``network_def`` names.
        overlays: configs that make one member of the network, see `overlay_path`.
        settings: ids of the config and their values.
        jobs: members that are trained at once.
        tell: called with a line for every step.

    Returns:
        the file, ``model_average.pt``, numbers as the members have them.

    Raises:
        UserError: for a bundle whose network is no `MeanNetwork` of so many, a folder without data or with members of other data or
            another recipe, and when a training failed.
    """
    content = read_list(data, ("training", "validation"))
    members = _count_members(bundle, members)
    configs = ["configs/train.json", *(overlay_path(bundle, name) for name in overlays)]
    settings = settings or {}
    check_settings(bundle, configs, settings, ("seed", "dataset_dir", "output_dir"))
    texts = [data / "dataset.json", *(bundle.folder / name for name in configs)]  # an absolute path stays what it is
    recipe = {
        "bundle": bundle.name,
        "configs": [Path(name).name for name in configs],
        "settings": settings,
        "digests": [hashlib.sha256(path.read_bytes()).hexdigest() for path in texts],
    }
    read = trained_on(data, [*content["training"], *content["validation"]])
    output.mkdir(parents=True, exist_ok=True)
    check_begun(output, output.glob("member_*/run"), recipe, read)
    write_begun(output, recipe, read)

    def train(number: int) -> Path | None:
        run = output.resolve() / f"member_{number}" / "run"
        own = {"dataset_dir": data.resolve(), "output_dir": run, "seed": number}

        def run_training() -> bool:
            run.mkdir(parents=True, exist_ok=True)
            tell(f"member {number}: training")
            return run_config(bundle, "training", configs, own | settings, run.parent / "log.txt", jobs)

        return finish(run, run_training)

    with ThreadPoolExecutor(jobs) as pool, ending_with(pool):
        files = list(pool.map(train, range(members)))
    failed = [number for number, file in enumerate(files) if file is None]
    if failed:
        logs = ", ".join(str(output / f"member_{number}" / "log.txt") for number in failed)
        raise UserError(f"{len(failed)} of {members} members failed.", f"Read {logs}.")
    states = {
        f"members.{number}.{name}": value
        for number, file in enumerate(files)
        for name, value in torch.load(file, map_location="cpu", weights_only=True).items()
    }
    write_state(output / "model_average.pt", states)
    return output / "model_average.pt"


def _count_members(bundle: Bundle, asked: int | None) -> int:
    """Return of how many the bundle's network is the mean."""
    path = bundle.folder / "configs" / "train.json"
    network = json.loads(path.read_text(encoding="utf-8")).get("network_def", {})
    if not str(network.get("_target_", "")).endswith("MeanNetwork"):
        raise UserError(f"{path}: its network is no mean of several.", "Train it with `python -m monai.bundle run training`.")
    count = len(network["members"])
    if asked not in (None, count):
        raise UserError(f"{path}: its network is the mean of {count}, not of {asked}.", "Leave --members out.")
    return count
