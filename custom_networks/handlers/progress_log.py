"""Say how a training goes."""

import logging
import time
from typing import TYPE_CHECKING

from ignite.engine import Engine, Events

if TYPE_CHECKING:
    from .best_model import BestModel
    from .curves import TrainingCurves

logger = logging.getLogger("axial")


class ProgressLog:
    """Log a line an epoch: loss, scores, best score, time it took, time left.

    Args:
        curves: the losses and scores; attached before this handler.
        best: the best validation; attached before this handler.
    """

    def __init__(self, curves: "TrainingCurves", best: "BestModel") -> None:
        self.curves, self.best = curves, best

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._log)

    def _start(self, engine: Engine) -> None:
        self.start = self.last = time.monotonic()
        self.first = engine.state.epoch

    def _log(self, engine: Engine) -> None:
        epoch, epochs, now = engine.state.epoch, engine.state.max_epochs, time.monotonic()
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.curves.rows[-1].items() if name != "epoch")
        best = f" (best {self.best.value:.4g}, epoch {self.best.epoch})" if self.best.epoch else ""
        left = (now - self.start) / (epoch - self.first) * (epochs - epoch)
        logger.info("epoch %d of %d: %s%s; %s, %s left", epoch, epochs, scores, best, duration(now - self.last), duration(left))
        self.last = now


def duration(seconds: float) -> str:
    """Write seconds with one or two units, such as ``3.2 s``, ``4 min 10 s`` or ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
