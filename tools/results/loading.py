"""Put a bundle's network and config into the state in which a `Segmenter` needs them."""

from collections.abc import Callable
from pathlib import Path

import torch
from monai.bundle import ConfigParser

from custom_networks.errors import UserError
from custom_networks.handlers.finite_weights import check_numbers
from custom_networks.inferers.precision import half_type

from ..bundles import Bundle

LOADERS = ("CheckpointLoader", "LoadWeights")


def find_device(name: str | torch.device) -> torch.device:
    """Return a device that is there.

    Raises:
        UserError: when it is not.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"--device {name}: not a device of this machine.", "Give cpu, cuda, cuda:0 or mps.") from error
    return device


def load_weights(network: torch.nn.Module, path: Path, bundle: Bundle) -> None:
    """Load a state dict, or a checkpoint that holds one as ``model``, into a network.

    Raises:
        UserError: when the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file.", "Train the bundle and copy its weights there, or give others by --weights.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content = content["model"] if isinstance(content, dict) and isinstance(content.get("model"), dict) else content
    except Exception as error:  # the unpickler raises many types
        raise UserError(f"{path}: not a file of weights.", "Give a state dict, such as one made by convert-weights.") from error
    try:
        network.load_state_dict(content)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not the weights of {bundle.name}'s network.", "Give a state dict of the same layers.") from error
    check_numbers(path, content)
    network.eval()


def loads_weights(handler: object) -> bool:
    """Tell whether an entry of a config's handlers loads weights."""
    return isinstance(handler, dict) and handler["_target_"].rpartition(".")[2] in LOADERS


def check_precision(parser: ConfigParser) -> None:
    """Say at once that the device has not got what the network shall compute in, not with every case."""
    if "precision" in parser:
        half_type(parser.get_parsed_content("device"), parser.get_parsed_content("precision"))


def insert_at_probabilities(parser: ConfigParser, transform: Callable[[dict], dict] | None) -> bool:
    """Put a transform where ``pred`` is a probability on the scan's grid: after its activation, and after its inversion.

    Returns:
        whether there is such a place; there is none where labels are chosen before the inversion.
    """
    transforms = parser["postprocessing"]["transforms"]
    names = [known["_target_"].rpartition(".")[2] for known in transforms]
    chosen = next((n for n, name in enumerate(names) if name in ("AsDiscreted", "ArgMaxd")), len(names))
    places = [n for n, name in enumerate(names[:chosen]) if name in ("Activationsd", "Invertd")]
    if places and transform is not None:
        transforms.insert(max(places) + 1, transform)
    return bool(places)
