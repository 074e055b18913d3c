"""What handlers need to know of a training in several processes; in one process all of it does nothing."""

from typing import Any

import torch
from ignite import distributed as idist
from torch.nn.parallel import DistributedDataParallel


def bare(network: torch.nn.Module) -> torch.nn.Module:
    """Take a network out of its distributed wrapper, so that what is saved loads anywhere."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def gather(value: Any) -> list[Any]:
    """Return what every process gives, in the order of their ranks, to all of them."""
    if idist.get_world_size() == 1:
        return [value]
    values: list[Any] = [None] * idist.get_world_size()
    torch.distributed.all_gather_object(values, value)
    return values


def share_buffers(network: torch.nn.Module) -> None:
    """Give all processes the first one's buffers, such as the statistics of batch normalisation."""
    if idist.get_world_size() > 1:
        for buffer in bare(network).buffers():
            torch.distributed.broadcast(buffer, 0)
