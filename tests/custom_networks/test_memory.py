import sys
from pathlib import Path

import numpy as np
import pytest

from custom_networks.memory import give_back_memory


def resident() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_pieces_go_back_to_the_system():
    pieces = [np.ones(8000) for _ in range(2000)]  # 122 MiB in pieces that malloc takes from its heap
    last = np.ones(8000)
    full = resident()
    del pieces
    give_back_memory()
    assert resident() < full - 100 and last.sum() == 8000
