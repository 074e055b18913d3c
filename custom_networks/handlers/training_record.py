"""All that is kept and said of a training."""

import logging
import math
import signal
import warnings
from pathlib import Path

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from ignite.handlers import EarlyStopping, ProgressBar
from ignite.metrics import Metric
from monai.handlers import LrScheduleHandler
from torch.optim.lr_scheduler import LRScheduler

from ..results.write_result import mark, remove_leftovers
from .best_model import BestModel
from .checkpoint import Checkpoint
from .curves import TrainingCurves
from .distributed import bare
from .epoch_seeds import EpochSeeds
from .finite_weights import check_finite
from .load_pretrained import LoadPretrained
from .progress_log import ProgressLog
from .time_budget import TimeBudget
from .weight_average import WeightAverage

logger = logging.getLogger("axial")


class TrainingRecord:
    """Record a MONAI trainer so that it may be killed at any moment, started again, and ends as one left alone.

    In the folder are ``model.pt`` (best validation), ``model_average.pt``, ``checkpoint.pt`` and the one before, ``curves.csv``,
    ``curves.png``, and TensorBoard's events. A line an epoch tells loss, scores, and the time left.

    Design: every random number of an epoch is a function of (seed, epoch, rank), see `EpochSeeds` and `TrainingLoader`, so at the
    border of two epochs the state is what `Checkpoint` keeps: weights, optimizer, place in the schedule, average, best score, and
    the patience used up. Files are written whole: models first, the checkpoint last; what was written after the last checkpoint
    is written again, the same. Put this handler last, after the ``ValidationHandler`` and metrics of training.

    A network that trains in several processes is saved without its wrapper, so its files load anywhere.

    Args:
        output_dir: folder of the files.
        network: network in training.
        optimizer: its optimizer.
        evaluator: validates, run by a ``ValidationHandler``; its ``state.key_metric_name`` tells the score that counts.
        lr_scheduler: schedule of the learning rate, a step an epoch.
        pretrained: weights to start from, see `LoadPretrained`.
        pretrained_share: share of those in the average, see `WeightAverage`.
        seed: of the training.
        average: share of the epochs after which weights are averaged, see `WeightAverage`.
        ema: decay of an exponential moving average in its place; None averages snapshots.
        half: whether the average is written in half precision.
        patience: validations without a better score after which training ends; None never ends it so.
        max_minutes: time into which training fits its epochs and its schedule, see `TimeBudget`; None sets no limit.
        cudnn_benchmark: whether cuDNN tries which convolution is fastest, which pays where patches have one size.
        progress: metric of the training's own batches, whose values a line an epoch tells too.
    """

    def __init__(
        self,
        output_dir: str | Path,
        network: torch.nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        evaluator: Engine | None = None,
        lr_scheduler: LRScheduler | None = None,
        pretrained: str | Path | None = None,
        pretrained_share: float = 0.0,
        seed: int = 0,
        average: float = 0.7,
        ema: float | None = None,
        half: bool = False,
        patience: int | None = None,
        max_minutes: float | None = None,
        cudnn_benchmark: bool = True,
        progress: Metric | None = None,
    ) -> None:
        self.output_dir, self.evaluator = Path(output_dir), evaluator
        self.network, self.optimizer, self.lr_scheduler = bare(network), optimizer, lr_scheduler
        self.pretrained, self.seed, self.patience, self.cudnn_benchmark = pretrained, seed, patience, cudnn_benchmark
        self.average, self.ema, self.half, self.max_minutes = average, ema, half, max_minutes
        self.pretrained_share, self.progress = pretrained_share, progress

    def attach(self, engine: Engine) -> None:
        """Register with a ``SupervisedTrainer``; the order below is that in which things happen."""
        self.best = BestModel(self.network, self.output_dir, self.evaluator)
        self.weights = WeightAverage(
            self.network, self.output_dir, self.average, self.ema, self.half, self.pretrained, self.pretrained_share
        )
        self.stopping = None if self.patience is None else EarlyStopping(self.patience, _key_metric, engine)
        self.curves = TrainingCurves(self.output_dir, self.evaluator)
        loader = getattr(engine, "data_loader", None)
        dataset = getattr(loader, "dataset", None)
        data = getattr(dataset, "data", None)
        parts = {"best": self.best, "average": self.weights, "stopping": self.stopping}
        late = getattr(dataset, "draws_late", None)
        self.checkpoint = Checkpoint(self.output_dir, self.network, self.optimizer, self.lr_scheduler, parts, data, late)

        if self.progress is not None:
            self.progress.attach(engine, "progress")
        LoadPretrained(self.network, self.pretrained).attach(engine)
        engine.add_event_handler(Events.STARTED, self.checkpoint.load)
        engine.add_event_handler(Events.STARTED, self._prepare)
        EpochSeeds(self.seed).attach(engine)
        if hasattr(dataset, "set_epoch"):
            engine.add_event_handler(Events.EPOCH_STARTED, lambda _: dataset.set_epoch(engine.state.epoch, engine.state.max_epochs))
        if not idist.get_rank():
            ProgressBar(disable=None).attach(engine)  # on a terminal alone
        TimeBudget(self.max_minutes, self.lr_scheduler).attach(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, lambda _: check_finite(self.network, engine.state.epoch))
        self.curves.attach(engine)
        self.best.attach(engine)
        if self.stopping is not None and self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self.stopping)
            engine.add_event_handler(Events.STARTED | Events.EPOCH_COMPLETED, self._tell_stop)
        if self.lr_scheduler is not None:
            LrScheduleHandler(self.lr_scheduler, print_lr=False).attach(engine)
        self.weights.attach(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.checkpoint.save)
        ProgressLog(self.curves, self.best).attach(engine)  # what is told is kept
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._end)

    def _prepare(self, engine: Engine) -> None:
        if not idist.get_rank():
            self.output_dir.mkdir(parents=True, exist_ok=True)
            with mark(self.output_dir):  # what cannot be written to is said now, not after an epoch
                remove_leftovers(self.output_dir)
        torch.backends.cudnn.benchmark = self.cudnn_benchmark
        if self.evaluator is not None and self.evaluator.state.epoch_length == 0:
            logger.warning("No validation cases: model.pt gets the last weights.")
            warnings.filterwarnings("ignore", message=".*dataloader. is empty")

    def _end(self, engine: Engine, error: BaseException) -> None:
        if not isinstance(error, KeyboardInterrupt):
            raise error
        logger.info("Interrupted in epoch %d: the same command goes on from %s.", engine.state.epoch, self.checkpoint.path)
        raise SystemExit(128 + signal.SIGINT) from None

    def _tell_stop(self, engine: Engine) -> None:
        if self.stopping.counter >= self.patience:
            logger.info("No better score in %d validations: training ends after epoch %d.", self.patience, engine.state.epoch)
            engine.terminate()


def _key_metric(evaluator: Engine) -> float:
    value = float(evaluator.state.metrics.get(evaluator.state.key_metric_name, math.nan))
    return -math.inf if math.isnan(value) else value
