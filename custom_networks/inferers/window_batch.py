"""How many windows a network sees in one call."""

import torch

ON_GPU = 8


def windows_at_once(device: torch.device | str, asked: int | None = None, on_cpu: int = 1) -> int:
    """Return how many windows go through the network together.

    Args:
        device: of the network.
        asked: what a user wants; None takes `ON_GPU` on GPUs, which several windows keep busy, and ``on_cpu`` on processors.
        on_cpu: how many a processor takes best.

    Raises:
        ValueError: for less than one.
    """
    if asked is None:
        return on_cpu if torch.device(device).type == "cpu" else ON_GPU
    if asked < 1:
        raise ValueError(f"window_batch {asked}: at least one window is looked at.")
    return asked
