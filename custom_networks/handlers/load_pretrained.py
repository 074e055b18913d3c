"""Start training from given weights, whatever fits."""

import logging
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from ..errors import UserError
from .distributed import bare
from .finite_weights import check_numbers

logger = logging.getLogger("axial")


class LoadPretrained:
    """Copy the layers of a state dict whose names and shapes fit; the others stay fresh and are named.

    So a bundle is tuned to the user's own classes: the last layer differs and is learnt anew.

    Args:
        network: network in training.
        path: raw state dict, or None to do nothing.

    Raises:
        UserError: at the start of training, when the file cannot be read or no layer fits.
    """

    def __init__(self, network: torch.nn.Module, path: str | Path | None) -> None:
        self.network, self.path = bare(network), path

    def attach(self, engine: Engine) -> None:
        """Register with a trainer. Attach before the handler that resumes."""
        engine.add_event_handler(Events.STARTED, self._load)

    def _load(self, engine: Engine) -> None:
        if self.path is None or engine.state.epoch:
            return
        given = read_weights(self.path)
        own = self.network.state_dict()
        fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
        if not fitting:
            raise UserError(f"{self.path}: no layer fits this network.", "Give weights of the same network.")
        self.network.load_state_dict(fitting, strict=False)
        fresh = sorted({name.rpartition(".")[0] for name in own.keys() - fitting.keys()})
        logger.info("%s: %d of %d tensors loaded; fresh: %s", self.path, len(fitting), len(own), ", ".join(fresh) or "none")


class LoadWeights:
    """Load a network's weights, all of them, when an engine first starts.

    Args:
        network: the network.
        path: raw state dict.

    Raises:
        UserError: at the start, when the file cannot be read or is of another network.
    """

    def __init__(self, network: torch.nn.Module, path: str | Path) -> None:
        self.network, self.path, self.loaded = bare(network), path, False

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self._load)

    def _load(self, engine: Engine) -> None:
        if not self.loaded:  # an evaluator of cases starts anew for each
            load_weights(self.network, self.path)
            self.loaded = True


def load_weights(network: torch.nn.Module, path: str | Path) -> None:
    """Load all of a network's weights from a raw state dict.

    Raises:
        UserError: when the file cannot be read or is of another network.
    """
    given = read_weights(path)
    try:
        network.load_state_dict(given)
    except RuntimeError as error:
        raise UserError(f"{path}: weights of another network.", "Give weights that this bundle's training wrote.") from error


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a raw state dict onto the CPU.

    Raises:
        UserError: when the file is missing, damaged, or holds something else.
    """
    try:
        given = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in given.values()):
            raise TypeError("not a state dict")
    except Exception as error:  # torch raises many types for files that are no weights
        raise UserError(f"{path}: cannot be read as weights.", "Give a state dict such as models/model.pt.") from error
    check_numbers(path, given)
    return given
