"""Seeds that are a function of where a training is, so that nothing random has to be kept."""

import random

import numpy as np
import torch


def derive_seed(*key: int) -> int:
    """Return a 32-bit seed that depends on every number of a key, such as (seed, epoch, rank); near keys give unlike seeds."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def seed_all(seed: int) -> None:
    """Seed Python, NumPy and torch, CUDA devices too."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
