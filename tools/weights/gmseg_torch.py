"""Convert weights of the gray-matter network's published torch code (neuropoly/gmseg) to our names."""

from pathlib import Path

import torch

from custom_networks.errors import UserError
from custom_networks.networks.no_pool_aspp import NoPoolASPP

# Module of the published code to ours, of convolutions; their norms are named alike, with ``_bn``.
UNITS = {
    "conv1a": "stem.0",
    "conv1b": "stem.1",
    "conv2a": "dilated_stem.0",
    "conv2b": "dilated_stem.1",
    **{f"branch{n + 1}{letter}": f"branches.{n}.{place}" for n in range(5) for place, letter in enumerate("ab")},
    "amort": "fuse",
}
MODULES = {
    **{name: f"{ours}.conv" for name, ours in UNITS.items()},
    **{f"{name}_bn": f"{ours}.norm" for name, ours in UNITS.items()},
    "concat_bn": "concat_norm",
    "prediction": "logits",
}
REMEDY = "Give a state dict of the published torch network, with layers conv1a to prediction."


def convert_gmseg_torch(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict with layers ``conv1a`` to ``prediction`` into one of ``NoPoolASPP(pooled_branch="dilated_stem")``.

    Args:
        path: file of a state dict, bare or under ``state_dict``, with or without ``module.`` before its names.

    Returns:
        state dict that gives the published code's logits (before its sigmoid).

    Raises:
        UserError: when the file holds no tensors alone, lacks a layer or has a layer of another shape.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content = content.get("state_dict", content)
        given = {name.removeprefix("module."): value for name, value in content.items()}
        if not all(isinstance(value, torch.Tensor) for value in given.values()):
            raise TypeError("no tensors")
    except Exception as error:  # torch has many for a damaged file
        raise UserError(f"{path}: not a readable state dict ({type(error).__name__}).", REMEDY) from error
    state = {}
    for name, value in NoPoolASPP(pooled_branch="dilated_stem").state_dict().items():
        module, _, kind = name.rpartition(".")
        theirs = f"{next(key for key, ours in MODULES.items() if ours == module)}.{kind}"
        if kind == "num_batches_tracked":  # not in files of early versions of torch
            state[name] = given.get(theirs, value)
            continue
        if theirs not in given:
            raise UserError(f"{path}: no layer {theirs}.", REMEDY)
        if given[theirs].shape != value.shape:
            raise UserError(f"{path}: {theirs} is of {tuple(given[theirs].shape)}, not of {tuple(value.shape)}.", REMEDY)
        state[name] = given[theirs].float()
    return state
