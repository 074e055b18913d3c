"""Convert the published Keras weights of the gray-matter network (neuropoly/gmseg) to a PyTorch state dict."""

from pathlib import Path

import h5py
import numpy as np
import torch

from custom_networks.errors import UserError
from custom_networks.networks.no_pool_aspp import NoPoolASPP

# Keras adds 1e-3 to the variance, torch 1e-5: the difference goes into the stored variance.
EPSILON_DIFFERENCE = 1e-3 - 1e-5

# (module of NoPoolASPP, convolution in the file, batch normalisation in the file)
LAYERS = (
    ("stem.0", "conv2d_1", "batch_normalization_1"),
    ("stem.1", "conv2d_2", "batch_normalization_2"),
    ("dilated_stem.0", "rate2_1", "batch_normalization_3"),
    ("dilated_stem.1", "rate2_2", "batch_normalization_4"),
    ("branches.0.0", "branch1x1_1", "batch_normalization_5"),
    ("branches.0.1", "branch1x1_2", "batch_normalization_6"),
    ("branches.1.0", "rate6_1", "batch_normalization_7"),
    ("branches.1.1", "rate6_2", "batch_normalization_8"),
    ("branches.2.0", "rate12_1", "batch_normalization_9"),
    ("branches.2.1", "rate12_2", "batch_normalization_10"),
    ("branches.3.0", "rate18_1", "batch_normalization_11"),
    ("branches.3.1", "rate18_2", "batch_normalization_12"),
    ("branches.4.0", "rate24_1", "batch_normalization_13"),
    ("branches.4.1", "rate24_2", "batch_normalization_14"),
    ("fuse", "amort", "batch_normalization_16"),
)


def convert_gmseg(hdf5: Path) -> dict[str, torch.Tensor]:
    """Read ``challenge_model.hdf5`` into a state dict of ``NoPoolASPP(pooled_branch="stem")``.

    Args:
        hdf5: weights-only Keras file with TensorFlow layout, kernels ``(kh, kw, in, out)``.

    Returns:
        state dict that gives the Keras graph's logits (before its sigmoid).

    Raises:
        UserError: when the file is not HDF5, lacks a layer or has a layer of another shape.
    """
    state = NoPoolASPP().state_dict()
    try:
        with h5py.File(hdf5) as weights:
            for module, convolution, norm in LAYERS:
                state |= _convolution(weights, convolution, f"{module}.conv")
                state |= _batch_norm(weights, norm, f"{module}.norm")
            state |= _batch_norm(weights, "batch_normalization_15", "concat_norm")
            state |= _convolution(weights, "predictions", "logits")
    except OSError as error:
        raise UserError(f"{hdf5}: not a readable HDF5 file ({error}).", "Give the .hdf5 file of neuropoly/gmseg.") from error
    except KeyError as error:
        raise UserError(f"{hdf5}: {error.args[0]}", "Give challenge_model.hdf5 of neuropoly/gmseg.") from error
    try:
        NoPoolASPP().load_state_dict(state)
    except RuntimeError as error:
        shapes = str(error).splitlines()[-1].strip()
        raise UserError(f"{hdf5}: a layer has an unexpected shape: {shapes}", "Give challenge_model.hdf5.") from error
    return state


def _read(weights: h5py.File, layer: str, name: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(weights[layer][layer][f"{name}:0"], dtype=np.float32))


def _convolution(weights: h5py.File, layer: str, module: str) -> dict[str, torch.Tensor]:
    kernel = _read(weights, layer, "kernel").permute(3, 2, 0, 1).contiguous()
    return {f"{module}.weight": kernel, f"{module}.bias": _read(weights, layer, "bias")}


def _batch_norm(weights: h5py.File, layer: str, module: str) -> dict[str, torch.Tensor]:
    return {
        f"{module}.weight": _read(weights, layer, "gamma"),
        f"{module}.bias": _read(weights, layer, "beta"),
        f"{module}.running_mean": _read(weights, layer, "moving_mean"),
        f"{module}.running_var": _read(weights, layer, "moving_variance") + EPSILON_DIFFERENCE,
    }
