"""Average the weights of a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

from ..results.write_state import write_state
from .distributed import bare


class WeightAverage:
    """Average a network's weights and write the mean as a raw state dict, ``output_dir/model_average.pt``.

    Averaged are snapshots after every epoch past ``start``; or, with ``decay``, the weights after every step, each counting
    ``decay`` times what the next one counts. Statistics of batch normalisation are averaged too.

    Args:
        network: network in training.
        output_dir: folder of the file.
        start: share of the epochs after which snapshots are taken, in [0, 1). Where the number of epochs was raised so far that
            an epoch no longer lies past it, the average begins anew.
        decay: of an exponential moving average (EMA), in (0, 1), such as 0.999; None averages snapshots.
        half: whether the file holds half precision, for networks that would be too large to ship; they load into float32.

    Raises:
        ValueError: when ``start`` or ``decay`` lies outside its range.

    Reference:
        Izmailov et al.: Averaging weights leads to wider optima and better generalization. UAI 2018.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        output_dir: str | Path,
        start: float = 0.7,
        decay: float | None = None,
        half: bool = False,
    ) -> None:
        if not 0 <= start < 1:
            raise ValueError(f"start must be in [0, 1), got {start}.")
        if decay is not None and not 0 < decay < 1:
            raise ValueError(f"decay must be in (0, 1), got {decay}.")
        self.network, self.path, self.start, self.decay, self.half = (
            bare(network),
            Path(output_dir) / "model_average.pt",
            start,
            decay,
            half,
        )
        self.average = self._anew()

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        if self.decay is not None:
            engine.add_event_handler(Events.ITERATION_COMPLETED, lambda _: self.average.update_parameters(self.network))
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._take)

    def state_dict(self) -> dict[str, Any]:
        """Return the average so far."""
        return self.average.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with an average."""
        self.average.load_state_dict(state)

    def _anew(self) -> AveragedModel:
        mean = get_swa_multi_avg_fn() if self.decay is None else get_ema_multi_avg_fn(self.decay)
        return AveragedModel(self.network, use_buffers=True, multi_avg_fn=_sparing_counters(mean))

    def _take(self, engine: Engine) -> None:
        if self.decay is None:
            if engine.state.epoch <= self.start * engine.state.max_epochs:
                if self.average.n_averaged:
                    self.average = self._anew()
                return
            self.average.update_parameters(self.network)
        if not idist.get_rank():
            write_state(self.path, self.average.module.state_dict(), self.half)


def _sparing_counters(mean: Callable) -> Callable:
    """Let a mean of torch take whole numbers, such as batch normalisation's counters, as they are; on GPUs it fails on them."""

    @torch.no_grad()
    def average(averaged: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:  # of one type each call
        if averaged[0].is_floating_point():
            mean(averaged, current, count)
        else:
            torch._foreach_copy_(averaged, current)

    return average
