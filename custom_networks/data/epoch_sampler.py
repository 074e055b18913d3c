"""What an epoch draws from a data set, and the seed of each draw."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch.utils.data import Dataset, DistributedSampler

from .seeds import derive_seed


class Draw(NamedTuple):
    """One sample of an epoch: number of the entry, seed of its random transforms."""

    index: int
    seed: int


class EpochSampler(DistributedSampler):
    """Draw entries at random, as a function of seed and epoch alone.

    The order of all processes together is that of one process: process k of n takes every n-th draw from k on, so n processes with
    batches of B train on what one process with batches of nB trains on. MONAI's ``DistributedWeightedRandomSampler`` draws from a
    part of the data in each process instead, which changes how often a case comes where cases are few.

    Args:
        dataset: what to draw from.
        num_samples: draws of each process in an epoch; None takes every entry once, some twice where processes do not divide them.
        weights: how often an entry is drawn relative to others; used with ``num_samples``. None weighs all alike.
        seed: of the training.
        num_replicas: number of processes.
        rank: of this process.

    Raises:
        ValueError: when there are not as many weights as entries.
    """

    def __init__(
        self,
        dataset: Dataset,
        num_samples: int | None = None,
        weights: Sequence[float] | None = None,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        super().__init__(dataset, num_replicas, rank, seed=seed)
        if weights is not None and len(weights) != len(dataset):
            raise ValueError(f"{len(dataset)} entries need as many weights, got {len(weights)}.")
        self.weights = torch.ones(len(dataset)) if weights is None else torch.as_tensor(weights, dtype=torch.double)
        self.drawn = num_samples is not None
        if num_samples is not None:
            self.num_samples, self.total_size = num_samples, num_samples * num_replicas

    def __iter__(self) -> Iterator[Draw]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, self.epoch))
        if self.drawn:
            order = torch.multinomial(self.weights, self.total_size, replacement=True, generator=generator)
        else:
            order = torch.randperm(len(self.dataset), generator=generator).repeat(-(-self.total_size // len(self.dataset)))
        for place in range(self.rank, self.total_size, self.num_replicas):
            yield Draw(int(order[place]), derive_seed(self.seed, self.epoch, place))
