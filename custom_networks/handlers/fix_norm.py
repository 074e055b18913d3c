"""Keep the statistics of batch normalisation as they are from some epoch on."""

from ignite.engine import Engine, Events

from ..inferers.autocast_inferer import AutocastInferer


class FixNorm:
    """Let a network learn with the statistics of its batches first, and with its own, which stay as they are, from then on.

    With few samples a batch a network leans on what else lies in its batch, which inference does not have. Statistics learned in
    the first epochs and fixed for the last let one training from nothing do what took two.

    Args:
        inferer: of the training; see its ``fixed_norm``, which is left on where it is on.
        start: share of the epochs after which statistics are fixed: 0 fixes those that training starts from, 1 never fixes any. It
            follows the number of epochs where a `TimeBudget` lowers that. Once fixed they stay so until the run ends; a training
            that is gone on with asks anew, and one that ends early for want of progress may never come so far.

    Raises:
        ValueError: when ``start`` lies outside [0, 1].
    """

    def __init__(self, inferer: AutocastInferer, start: float) -> None:
        if not 0 <= start <= 1:
            raise ValueError(f"start must be in [0, 1], got {start}.")
        self.inferer, self.start = inferer, start

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._set)

    def _set(self, engine: Engine) -> None:
        self.inferer.fixed_norm |= engine.state.epoch > self.start * engine.state.max_epochs
