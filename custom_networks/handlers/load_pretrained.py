"""Start training from given weights, whatever fits."""

import logging
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from ..errors import UserError

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
        self.network, self.path = network, path

    def attach(self, engine: Engine) -> None:
        """Register with a trainer. Attach before the handler that resumes."""
        engine.add_event_handler(Events.STARTED, self._load)

    def _load(self, engine: Engine) -> None:
        if self.path is None or engine.state.epoch:
            return
        try:
            given = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many types for files that are no weights
            raise UserError(f"{self.path}: cannot be read as weights.", "Give a state dict such as models/model.pt.") from error
        own = self.network.state_dict()
        fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
        if not fitting:
            raise UserError(f"{self.path}: no layer fits this network.", "Give weights of the same network.")
        self.network.load_state_dict(fitting, strict=False)
        fresh = sorted({name.rpartition(".")[0] for name in own.keys() - fitting.keys()})
        logger.info("%s: %d of %d tensors loaded; fresh: %s", self.path, len(fitting), len(own), ", ".join(fresh) or "none")
