"""Load training and validation data: shared among processes, as fast as the machine allows, and reproducible."""

import os

import torch
from ignite import distributed as idist
from monai.data import DataLoader
from monai.transforms import Randomizable
from torch.utils.data import Dataset, Sampler, get_worker_info

from .data_list import case_weights
from .epoch_sampler import Draw, EpochSampler
from .seeds import seed_all

MOST_WORKERS = 8


def default_workers() -> int:
    """Return how many processes load data: none without a GPU, where all work is on the CPUs, else this rank's share of them."""
    if not torch.cuda.is_available():
        return 0
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, cpus // idist.get_nproc_per_node() - 1))


def _pins(asked: bool | None) -> bool:
    return torch.cuda.is_available() if asked is None else asked


class TrainingLoader(DataLoader):
    """Draw batches of a training set, as a function of seed and epoch alone.

    Every sample's random transforms are seeded for it, so a batch does not depend on what came before: not on an interruption, not
    on the number of workers. Processes share each epoch's draws, see `EpochSampler`. Memory is pinned where there is a GPU.

    Args:
        dataset: whose ``transform`` is randomizable, as MONAI's data sets and compositions are, and whose ``data`` are its entries.
            One that names ``weights`` of its items is drawn by them; one whose items are on a GPU (``on_gpu``) has no workers.
        batch_size: samples of a batch, in each process.
        epoch_length: batches of an epoch, in each process, drawn as often as the entries' ``weight`` says; None takes every entry
            once.
        seed: of the training.
        num_workers: processes that load; None takes `default_workers`.
        pin_memory: whether batches lie in memory that a GPU reads at once; None does so where there is one.
        drop_last: whether an incomplete last batch is left out; with an ``epoch_length`` there is none.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        epoch_length: int | None = None,
        seed: int = 0,
        num_workers: int | None = None,
        pin_memory: bool | None = None,
        drop_last: bool = False,
    ) -> None:
        on_gpu = getattr(dataset, "on_gpu", False)
        workers = 0 if on_gpu else default_workers() if num_workers is None else num_workers
        samples = None if epoch_length is None else epoch_length * batch_size
        weights, entries = getattr(dataset, "weights", None), getattr(dataset, "data", [])
        if weights is None and len(entries) == len(dataset):  # others are parts of entries
            weights = case_weights(entries)
        super().__init__(
            SeededDataset(dataset),
            workers,
            batch_size=batch_size,
            sampler=EpochSampler(dataset, samples, weights, seed, idist.get_world_size(), idist.get_rank()),
            pin_memory=_pins(pin_memory) and not on_gpu,
            persistent_workers=workers > 0,
            drop_last=drop_last,
        )


class SeededDataset(Dataset):
    """Give every sample random transforms of its own seed.

    Args:
        dataset: whose ``transform`` is seeded where it is randomizable; ``data`` are its entries.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset, self.data = dataset, getattr(dataset, "data", None)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw):
        transform = getattr(self.dataset, "transform", None)
        if isinstance(transform, Randomizable):
            transform.set_random_state(draw.seed)
        if get_worker_info() is not None:  # in the training's own process this would also set what dropout draws
            seed_all(draw.seed)
        return self.dataset[draw.index]


class ValidationLoader(DataLoader):
    """Give the cases of a validation set in order, each process its share of equal length.

    Process k of n takes every n-th case from k on; where n does not divide them, some come twice, see `CaseReport`.

    Args:
        dataset: the cases; may be empty.
        batch_size: cases of a batch.
        num_workers: processes that load; None takes at most two of `default_workers`, as cases are large.
        pin_memory: see `TrainingLoader`.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int = 1, num_workers: int | None = None, pin_memory: bool | None = None
    ) -> None:
        workers = min(2, default_workers()) if num_workers is None else num_workers
        super().__init__(dataset, workers, batch_size=batch_size, sampler=_Share(len(dataset)), pin_memory=_pins(pin_memory))


class _Share(Sampler):
    """This process's share of the numbers below ``count``."""

    def __init__(self, count: int) -> None:
        size, rank = idist.get_world_size(), idist.get_rank()
        self.numbers = [place % count for place in range(rank, -(-count // size) * size, size)]

    def __iter__(self):
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)
