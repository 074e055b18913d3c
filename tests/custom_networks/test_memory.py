import subprocess
import sys

import numpy as np
import pytest

from custom_networks import memory
from custom_networks.memory import give_back_memory, keep_freed_memory

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


FEATURES = """
import numpy as np
from custom_networks.memory import _resident, give_back_memory, keep_freed_memory
before = _resident()
for keep in (False, True):
    if keep and not keep_freed_memory():
        break
    features = [np.ones(2**21) for _ in range(10)]  # 16 MiB each
    del features
    print((_resident() - before) >> 20)
give_back_memory()
print((_resident() - before) >> 20)
"""


def test_what_layers_free_stays_until_it_is_given_back():
    printed = subprocess.run([sys.executable, "-c", FEATURES], capture_output=True, text=True, check=True).stdout
    freed, *kept, given_back = map(int, printed.split())
    assert freed < 40 and given_back < 40
    assert all(size > 120 for size in kept)


def test_users_settings_of_malloc_stay(monkeypatch):
    keep_freed_memory.cache_clear()
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not keep_freed_memory()
    keep_freed_memory.cache_clear()
