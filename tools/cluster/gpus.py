"""One GPU a process, wherever processes were started."""

import os
import tempfile
from pathlib import Path
from typing import IO

import torch

from custom_networks.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_claims: dict[int, IO] = {}  # of this process, by the GPU's index; open files hold the locks


def claim_device() -> torch.device:
    """Return a GPU that no other process of this machine has claimed, the CPU where there are none.

    The claim is a lock on a file named after the GPU's UUID, so it holds across ``CUDA_VISIBLE_DEVICES`` and ends with the process.

    Raises:
        UserError: when all GPUs are claimed.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    for index in range(torch.cuda.device_count()):
        if index in _claims or _claim(index):
            return torch.device("cuda", index)
    raise UserError("every GPU of this machine has a worker.", "Start one worker a GPU, or give --device cpu.")


def _claim(index: int) -> bool:
    if fcntl is None:
        return index == 0
    path = Path(tempfile.gettempdir()) / f"axial-{os.getuid()}-{torch.cuda.get_device_properties(index).uuid}.lock"
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _claims[index] = file
    return True
