import sys

import numpy as np
import pytest

from custom_networks import memory
from custom_networks.memory import give_back_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def resident() -> float:
    return memory._resident() / 2**20


def test_freed_pieces_go_back_to_the_system():
    pieces = [np.ones(8000) for _ in range(2000)]  # 122 MiB in pieces that malloc takes from its heap
    last = np.ones(8000)
    full = resident()
    del pieces
    give_back_memory()
    assert resident() < full - 100 and last.sum() == 8000


class Case:
    """An image that refers to itself."""

    def __init__(self) -> None:
        self.image, self.itself = np.ones(2**21), self  # 16 MiB


def test_cases_that_refer_to_themselves_do_not_add_up():
    give_back_memory()
    before, seen = resident(), []
    for _ in range(30):
        Case()
        give_back_memory()
        seen.append(resident() - before)
    assert max(seen) < 80
