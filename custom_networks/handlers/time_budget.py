"""Let a training end within given minutes, its schedule with it."""

import logging
import time
from collections.abc import Callable

from ignite import distributed as idist
from ignite.engine import Engine, Events

logger = logging.getLogger("axial")
LENGTHS = ("total_iters", "T_max")  # what schedules call their number of epochs
WARM_UP = 1  # epochs that say nothing of the later ones: caches are filled, kernels are chosen


class TimeBudget:
    """Lower a trainer's number of epochs to what fits into given minutes, and the learning rate's schedule with it.

    After every epoch the time of the epochs so far tells how many fit. The rate still falls to its end, averages of the last epochs
    are still of the last epochs, and equal numbers of epochs give equal weights, however long they took. Time counts from the start
    of the run; a resumed training has all minutes anew.

    Args:
        minutes: to train, or None for the epochs that the trainer names.
        scheduler: schedule with ``total_iters`` or ``T_max`` epochs, such as ``PolynomialLR``, or None.
        reserve: share of the minutes that is left free, for the last validation.
        clock: seconds.

    Raises:
        ValueError: for minutes that are not above 0, or a reserve outside [0, 1).
    """

    def __init__(
        self, minutes: float | None, scheduler=None, reserve: float = 0.05, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if minutes is not None and not minutes > 0:
            raise ValueError(f"minutes must be above 0, got {minutes}.")
        if not 0 <= reserve < 1:
            raise ValueError(f"reserve must be in [0, 1), got {reserve}.")
        self.minutes, self.scheduler, self.reserve, self.clock = minutes, scheduler, reserve, clock

    def attach(self, engine: Engine) -> None:
        """Register with a trainer. Attach before handlers that read the number of epochs."""
        if self.minutes is not None:
            engine.add_event_handler(Events.STARTED, self._start)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self._plan)

    def _start(self, engine: Engine) -> None:
        self.began, self.first = self.clock(), engine.state.epoch
        self.warm: float | None = None
        self.limit = engine.state.max_epochs
        if self.scheduler is not None and not any(hasattr(self.scheduler, name) for name in LENGTHS):
            logger.warning(
                "%g minutes may end this training before its rate has fallen: its schedule cannot be shortened.", self.minutes
            )

    def _plan(self, engine: Engine) -> None:
        now, done = self.clock(), engine.state.epoch - self.first
        if done <= WARM_UP:
            self.warm = now
        budget = self.minutes * 60 * (1 - self.reserve)
        if done <= WARM_UP:
            fitting = engine.state.epoch + (0 if now - self.began >= budget else self.limit)
        else:
            an_epoch = (now - self.warm) / (done - WARM_UP)
            fitting = engine.state.epoch + int(max(0.0, self.began + budget - now) / max(an_epoch, 1e-9))
        epochs = int(idist.all_reduce(min(self.limit, fitting), "MIN"))
        if epochs != engine.state.max_epochs:
            logger.debug("epoch %d: %d epochs fit into %g minutes.", engine.state.epoch, epochs, self.minutes)
            engine.state.max_epochs = epochs
        for name in LENGTHS:
            if hasattr(self.scheduler, name):
                setattr(self.scheduler, name, epochs)
