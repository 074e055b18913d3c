"""Load the weights of a small network that helps a bundle's own, such as one that finds the cord."""

import sys
from pathlib import Path

import torch

from ..errors import UserError


def load_helper(network: torch.nn.Module, path: Path) -> torch.nn.Module:
    """Return a network with the weights of a file, in evaluation mode.

    MONAI Deploy sets no ``bundle_root``, so ``./models/x.pt`` is then a file of the folder where it was started; what is not there
    is looked for in the bundle whose ``scripts`` are imported.

    Args:
        network: of the kind that the weights are of.
        path: a raw state dict.

    Raises:
        UserError: when there is no such file.
    """
    scripts = getattr(sys.modules.get("scripts"), "__file__", None)
    places = [path] if scripts is None or path.is_absolute() else [path, Path(scripts).resolve().parents[1] / path]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UserError(f"{path}: no such file.", "It belongs to the bundle: unpack or install that again, or set bundle_root.")
    network.load_state_dict(torch.load(found, map_location="cpu", weights_only=True))
    return network.eval()
