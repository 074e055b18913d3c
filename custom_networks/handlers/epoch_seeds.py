"""Random states that are a function of the epoch."""

from ignite import distributed as idist
from ignite.engine import Engine, Events

from ..data.seeds import derive_seed, seed_all


class EpochSeeds:
    """Seed Python, NumPy and torch from (seed, epoch, rank) when an epoch starts.

    Nothing random has to be kept then: an epoch draws the same numbers whether the training came to it in one go or not. What data
    and random transforms draw is derived for each sample, see `TrainingLoader`.

    Args:
        seed: of the training.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        seed_all(derive_seed(self.seed, engine.state.epoch, idist.get_rank()))
