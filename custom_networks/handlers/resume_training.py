"""Go on with an interrupted training."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from monai.utils import ensure_tuple
from torch.nn.parallel import DistributedDataParallel

from ..results.write_result import write_result

logger = logging.getLogger("axial")


class ResumeTraining:
    """Keep the whole state of training in ``output_dir/checkpoint.pt`` and start from it when it is there.

    Args:
        output_dir: folder of the checkpoint.
        state: what to keep, name to object with ``state_dict`` and ``load_state_dict`` (network, optimizer,
            scheduler).
        interval: epochs between two checkpoints.
        data: entries of the training data. Where their files have other names than the checkpoint's, as after more scans were
            labelled in MONAI Label, training starts anew and the old checkpoint is kept as ``checkpoint_previous.pt``.
    """

    def __init__(
        self, output_dir: str | Path, state: dict[str, Any], interval: int = 1, data: Sequence[Mapping] | None = None
    ) -> None:
        self.path = Path(output_dir) / "checkpoint.pt"
        self.state = {name: _bare(value) for name, value in state.items()}
        self.interval, self.digest = interval, None if data is None else _digest(data)

    def attach(self, engine: Engine) -> None:
        """Register with a trainer. Attach before handlers that read the epoch at the start."""
        engine.add_event_handler(Events.STARTED, self._load)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval) | Events.COMPLETED, self._save)

    def _load(self, engine: Engine) -> None:
        if not self.path.exists():
            return
        checkpoint = torch.load(self.path, map_location="cpu", weights_only=True)
        if self.digest is not None and checkpoint.get("data", self.digest) != self.digest:
            previous = self.path.with_stem(f"{self.path.stem}_previous")
            logger.warning("%s: made with other data; kept as %s, training starts anew.", self.path, previous.name)
            if not idist.get_rank():
                self.path.rename(previous)
            return
        for name, value in self.state.items():
            value.load_state_dict(checkpoint[name])
        engine.state.epoch = checkpoint["epoch"]
        engine.state.iteration = checkpoint["epoch"] * engine.state.epoch_length
        logger.info("%s: training goes on after epoch %d.", self.path, checkpoint["epoch"])
        if engine.state.epoch >= engine.state.max_epochs:
            logger.info("All %d epochs are done. Remove the file or raise the number to train on.", engine.state.max_epochs)
            engine.terminate()

    def _save(self, engine: Engine) -> None:
        if idist.get_rank():
            return
        checkpoint = {name: value.state_dict() for name, value in self.state.items()} | {"epoch": engine.state.epoch}
        if self.digest is not None:
            checkpoint["data"] = self.digest
        write_result(self.path, lambda path: torch.save(checkpoint, path))


def _digest(data: Sequence[Mapping]) -> str:
    """Return a digest of the names of images and labels, whatever folder they lie in."""
    files = [value for entry in data for key in ("image", "label") for value in ensure_tuple(entry.get(key))]
    return hashlib.sha256("\n".join(sorted(Path(str(file)).name for file in files)).encode()).hexdigest()


def _bare(value: Any) -> Any:
    """Take a network out of its distributed wrapper, so that checkpoints fit one process and many."""
    return value.module if isinstance(value, DistributedDataParallel) else value
