"""Average the weights of the last part of training."""

from pathlib import Path

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from torch.optim.swa_utils import AveragedModel


class SnapshotAverage:
    """Average snapshots of a network and write the mean as a raw state dict.

    A snapshot is taken after every epoch past ``start``, statistics of batch normalisation included. After each the
    mean is written to ``output_dir/model_average.pt``. An interrupted training averages the snapshots that come
    after its resumption.

    Args:
        network: network in training.
        output_dir: folder of the file.
        start: share of the epochs after which snapshots are taken, in [0, 1).
        half: whether the file holds half precision, for networks that would be too large to ship; they load into float32.

    Raises:
        ValueError: when ``start`` lies outside [0, 1).

    Reference:
        Izmailov et al.: Averaging weights leads to wider optima and better generalization. UAI 2018.
    """

    def __init__(self, network: torch.nn.Module, output_dir: str | Path, start: float = 0.7, half: bool = False) -> None:
        if not 0 <= start < 1:
            raise ValueError(f"start must be in [0, 1), got {start}.")
        self.network, self.output_dir, self.start, self.half = network, Path(output_dir), start, half
        self.average = AveragedModel(network, use_buffers=True)

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._take)

    def _take(self, engine: Engine) -> None:
        if engine.state.epoch <= self.start * engine.state.max_epochs:
            return
        self.average.update_parameters(self.network)
        if idist.get_rank():
            return
        self.output_dir.mkdir(parents=True, exist_ok=True)
        state = self.average.module.state_dict()
        if self.half:
            state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
        torch.save(state, self.output_dir / "model_average.pt")
