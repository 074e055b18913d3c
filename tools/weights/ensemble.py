"""Train the members of a `MeanNetwork`, each in a process and with a seed of its own, and put them together."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json
from custom_networks.results.write_state import write_state

from ..bundles import Bundle
from ..layout.contents import contents, first_changed
from ..layout.data_list import read_list
from .training import check_settings, first_weights, overlay_path, run_config

BEGUN = "begun.json"  # beside the members: what they began with


def train_ensemble(
    bundle: Bundle,
    data: Path,
    output: Path,
    members: int = 2,
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
        members: how many.
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
    _check_members(bundle, members)
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
    files = contents([*content["training"], *content["validation"]])
    output.mkdir(parents=True, exist_ok=True)
    begun = output / BEGUN
    if begun.exists():
        before = json.loads(begun.read_text())
        if before | {"files": None} != recipe | {"files": None}:
            raise UserError(f"{output}: holds members of another recipe or of other data.", "Choose another folder with -o.")
        learnt = any(output.glob("member_*/run/*.pt"))  # else nothing is lost where a wrong file was mended
        if learnt and (changed := first_changed(before.get("files", {}), files)):
            raise UserError(
                f"{output}: holds members trained on {changed.name} before it was changed ({changed}).",
                "Choose another folder with -o.",
            )
    write_json(begun, recipe | {"files": files})

    def train(number: int) -> Path | None:
        folder = output.resolve() / f"member_{number}"
        run = folder / "run"
        if not (folder / "done").exists():
            run.mkdir(parents=True, exist_ok=True)
            tell(f"member {number}: training")
            own = {"dataset_dir": data.resolve(), "output_dir": run, "seed": number}
            if not run_config(bundle, "training", configs, own | settings, folder / "log.txt", jobs):
                return None
            if first_weights(run) is not None:
                (folder / "done").touch()
        return first_weights(run)

    with ThreadPoolExecutor(jobs) as pool:
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


def _check_members(bundle: Bundle, members: int) -> None:
    """Demand that the bundle's network is the mean of so many."""
    path = bundle.folder / "configs" / "train.json"
    network = json.loads(path.read_text(encoding="utf-8")).get("network_def", {})
    if not str(network.get("_target_", "")).endswith("MeanNetwork"):
        raise UserError(f"{path}: its network is no mean of several.", "Train it with `python -m monai.bundle run training`.")
    if len(network["members"]) != members:
        raise UserError(
            f"{path}: its network is the mean of {len(network['members'])}, not of {members}.", "Change --members or network_def."
        )
