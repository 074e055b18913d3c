"""Keep the state of a training, and go on from it."""

import hashlib
import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine
from monai.utils import ensure_tuple
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ..errors import UserError
from ..results.write_state import write_state
from .distributed import bare

logger = logging.getLogger("axial")
EARLY = "checkpoint_early"
CHOSEN = ("best", "stopping")  # parts that know validation cases


class Checkpoint:
    """Keep the whole state of a training in ``output_dir/checkpoint.pt`` and start from it when it is there.

    A checkpoint is written whole, and the one before is kept as ``checkpoint_backup.pt``: where the newest is damaged or missing,
    training goes on from the one before and repeats an epoch.

    Rates and schedules are what the optimizer and the scheduler were made with, not what the checkpoint had: the schedule is
    walked through from its start to the checkpoint's epoch. So a raised number of epochs stretches it.

    Args:
        output_dir: folder of the checkpoint.
        network: network in training; its tensors get back their layout in memory too, as convolutions round by it.
        optimizer: its optimizer.
        lr_scheduler: its schedule, a step an epoch; None keeps the rate.
        parts: what else to keep, name to object with ``state_dict`` and ``load_state_dict``.
        data: entries of the training data. Where their files have other names than the checkpoint's, as after more scans were
            labelled in MONAI Label, training starts afresh and the old checkpoint is kept as ``checkpoint_previous.pt``.
        draws_late: tells whether entries with ``after``, which come late, are drawn in this epoch. Until then the state is kept as
            ``checkpoint_early.pt`` too, without what validation chose: trainings that differ in late data alone may go on from it,
            copied to their ``checkpoint.pt``, and end with the weights of one go; the best is sought among what follows.
    """

    def __init__(
        self,
        output_dir: str | Path,
        network: torch.nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        lr_scheduler: LRScheduler | None = None,
        parts: Mapping[str, Any] | None = None,
        data: Sequence[Mapping] | None = None,
        draws_late: Callable[[], bool] | None = None,
    ) -> None:
        self.path = Path(output_dir) / "checkpoint.pt"
        self.network, self.optimizer, self.lr_scheduler = bare(network), optimizer, lr_scheduler
        self.parts, self.digest = dict(parts or {}), None if data is None else digest(data)
        self.early_digest = None if data is None else digest([entry for entry in data if not entry.get("after")])
        self.draws_late, self.late = draws_late or (lambda: False), False

    @property
    def early(self) -> Path:
        """The last checkpoint before late data are drawn."""
        return self.path.with_stem(EARLY)

    @property
    def backup(self) -> Path:
        """The checkpoint before."""
        return self.path.with_stem("checkpoint_backup")

    def load(self, engine: Engine) -> None:
        """Bring a trainer that starts to where the checkpoint was written; end it where no epoch is left.

        Raises:
            UserError: when every checkpoint that is there is damaged, or is of another network.
        """
        checkpoint = self._read()
        if checkpoint is None:
            return
        try:
            self._restore(checkpoint, self._all_parts(engine))
        except (KeyError, RuntimeError, ValueError) as error:
            raise UserError(
                f"{self.path}: of another network or optimizer.", "Give another --output_dir, or remove it to start afresh."
            ) from error
        engine.state.epoch = checkpoint["epoch"]
        engine.state.iteration = checkpoint["epoch"] * engine.state.epoch_length
        logger.info("%s: training goes on after epoch %d.", self.path, checkpoint["epoch"])
        if engine.state.epoch >= engine.state.max_epochs:
            logger.info("All %d epochs are done. Remove the file or raise the number to train on.", engine.state.max_epochs)
            engine.terminate()

    def save(self, engine: Engine) -> None:
        """Write a checkpoint at the end of an epoch."""
        if idist.get_rank():
            return
        self.late = self.late or self.draws_late()
        content = {"network": self.network.state_dict(), "epoch": engine.state.epoch, "data": self.digest, "late": self.late}
        parts = {"optimizer": self.optimizer, "lr_scheduler": self.lr_scheduler} | self._all_parts(engine)
        content |= {name: part.state_dict() for name, part in parts.items() if part is not None}
        if self.path.exists():
            os.replace(self.path, self.backup)
        write_state(self.path, content)
        if not self.late and self.early_digest != self.digest:
            early = {name: value for name, value in content.items() if name not in CHOSEN}
            write_state(self.early, early | {"data": self.early_digest})

    def _read(self) -> dict | None:
        """Return the newest checkpoint of these data that is whole, None where training starts afresh."""
        damaged = []
        checkpoint = None
        for path in (self.path, self.backup):
            if not path.exists():
                continue
            try:
                checkpoint = torch.load(path, map_location="cpu", weights_only=True)
                checkpoint["network"], checkpoint["epoch"]
                break
            except Exception:  # torch raises many types for damaged files
                checkpoint = None
                damaged.append(path)
        idist.barrier()  # all processes have read before the first one moves anything
        first = not idist.get_rank()
        if checkpoint is None and damaged:
            raise UserError(f"{' and '.join(map(str, damaged))}: damaged.", "Remove to start afresh, or put a copy in place.")
        if damaged:
            kept = self.path.with_stem("checkpoint_damaged")
            logger.warning("%s: damaged, kept as %s; training goes on from %s.", self.path, kept.name, self.backup.name)
            if first:
                os.replace(self.path, kept)
        if checkpoint is not None and not self._same_data(checkpoint):
            previous = self.path.with_stem("checkpoint_previous")
            logger.warning("%s: made with other data; kept as %s, training starts afresh.", self.path, previous.name)
            if first:
                os.replace(path, previous)
                self.backup.unlink(missing_ok=True)
            return None
        return checkpoint

    def _same_data(self, checkpoint: Mapping) -> bool:
        known = checkpoint.get("data")
        return known is None or self.digest is None or known in (self.digest, self.early_digest)

    def _all_parts(self, engine: Engine) -> dict[str, Any]:
        return self.parts | {"scaler": getattr(engine, "scaler", None)}  # MONAI's trainer makes it when it runs

    def _restore(self, checkpoint: dict, parts: Mapping[str, Any]) -> None:
        load_with_layout(self.network, checkpoint["network"])
        self.late = checkpoint.get("late", False)
        if self.optimizer is not None:
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": checkpoint["optimizer"]["state"], "param_groups": groups})
        if isinstance(self.lr_scheduler, ReduceLROnPlateau):
            self.lr_scheduler.load_state_dict(checkpoint["lr_scheduler"])
        elif self.lr_scheduler is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch expects a step of the optimizer before each
                for _ in range(checkpoint["epoch"]):
                    self.lr_scheduler.step()
        for name, part in parts.items():
            if part is not None and name in checkpoint:
                part.load_state_dict(checkpoint[name])


def load_with_layout(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load a state dict so that tensors also have the strides of the saved ones, such as channels last."""
    network.load_state_dict(state)
    for name, tensor in network.state_dict(keep_vars=True).items():
        if tensor.stride() != state[name].stride():
            tensor.data = state[name].to(tensor.device, tensor.dtype, copy=True)


def digest(data: Sequence[Mapping]) -> str:
    """Return a digest of the names of images and labels, whatever folder they lie in."""
    files = [value for entry in data for key in ("image", "label") for value in ensure_tuple(entry.get(key))]
    return hashlib.sha256("\n".join(sorted(Path(str(file)).name for file in files)).encode()).hexdigest()
