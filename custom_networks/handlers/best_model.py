"""Keep the weights with the best validation."""

import logging
import math
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events

from ..results.write_state import write_state
from .distributed import bare, share_buffers
from .finite_weights import check_finite

logger = logging.getLogger("axial")


class BestModel:
    """Write the network to ``output_dir/model.pt`` when a validation is better than all before it, those before a resumption too.

    A training that ends without any validation leaves its last weights there.

    Args:
        network: network in training.
        output_dir: folder of the file.
        evaluator: engine whose ``state.metrics[state.key_metric_name]`` is to be large; None where nothing is validated.
    """

    def __init__(self, network: torch.nn.Module, output_dir: str | Path, evaluator: Engine | None) -> None:
        self.network, self.path, self.evaluator = bare(network), Path(output_dir) / "model.pt", evaluator
        self.value, self.epoch = -math.inf, 0

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.STARTED, lambda _: share_buffers(self.network))
            self.evaluator.add_event_handler(Events.COMPLETED, lambda evaluator: self._compare(evaluator, engine.state.epoch))
        engine.add_event_handler(Events.COMPLETED, self._leave_one)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value and its epoch."""
        return {"value": self.value, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the best so far."""
        self.value, self.epoch = state["value"], state["epoch"]

    def _compare(self, evaluator: Engine, epoch: int) -> None:
        check_finite(self.network, epoch)
        value = float(evaluator.state.metrics.get(evaluator.state.key_metric_name, math.nan))
        if value > self.value:
            self.value, self.epoch = value, epoch
            self._write()

    def _leave_one(self, engine: Engine) -> None:
        if not self.epoch:
            self._write()
            logger.info("%s: the last weights, as no validation told better ones.", self.path)

    def _write(self) -> None:
        if not idist.get_rank():
            write_state(self.path, self.network.state_dict())
