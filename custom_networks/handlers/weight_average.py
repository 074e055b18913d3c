"""Average the weights of a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

from ..errors import UserError
from ..results.write_state import write_state
from .distributed import bare
from .load_pretrained import read_weights


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
        pretrained: weights that training starts from.
        pretrained_share: share of those in the written mean, in [0, 1); what few scans teach is so held back by what many taught.

    Raises:
        ValueError: when ``start``, ``decay`` or ``pretrained_share`` lies outside its range.
        UserError: at the start of training, when a share is asked of weights that are missing or do not all fit the network.

    References:
        Izmailov et al.: Averaging weights leads to wider optima and better generalization. UAI 2018.
        Wortsman et al.: Robust fine-tuning of zero-shot models (WiSE-FT; a share of one half). CVPR 2022.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        output_dir: str | Path,
        start: float = 0.7,
        decay: float | None = None,
        half: bool = False,
        pretrained: str | Path | None = None,
        pretrained_share: float = 0.0,
    ) -> None:
        if not 0 <= start < 1:
            raise ValueError(f"start must be in [0, 1), got {start}.")
        if decay is not None and not 0 < decay < 1:
            raise ValueError(f"decay must be in (0, 1), got {decay}.")
        if not 0 <= pretrained_share < 1:
            raise ValueError(f"pretrained_share must be in [0, 1), got {pretrained_share}.")
        self.network, self.path = bare(network), Path(output_dir) / "model_average.pt"
        self.start, self.decay, self.half = start, decay, half
        self.pretrained, self.pretrained_share = pretrained, pretrained_share
        self.origin: dict[str, torch.Tensor] = {}
        self.average = self._anew()

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self._read_origin)
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
            write_state(self.path, self._mixed(self.average.module.state_dict()), self.half)

    def _read_origin(self, engine: Engine) -> None:
        if not self.pretrained_share:
            return
        if self.pretrained is None:
            raise UserError(f"pretrained_share {self.pretrained_share}: of no weights.", "Give such weights, --pretrained.")
        self.origin, own = read_weights(self.pretrained), self.network.state_dict()
        if {name: value.shape for name, value in self.origin.items()} != {name: value.shape for name, value in own.items()}:
            raise UserError(f"{self.pretrained}: weights of another network, so no share of them.", "Leave out --pretrained_share.")

    def _mixed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name: torch.lerp(value, self.origin[name].to(value), self.pretrained_share)
            if name in self.origin and value.is_floating_point()
            else value
            for name, value in state.items()
        }


def _sparing_counters(mean: Callable) -> Callable:
    """Let a mean of torch take whole numbers, such as batch normalisation's counters, as they are; on GPUs it fails on them."""

    @torch.no_grad()
    def average(averaged: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:  # of one type each call
        if averaged[0].is_floating_point():
            mean(averaged, current, count)
        else:
            torch._foreach_copy_(averaged, current)

    return average
