"""The most that a network can reach of a machine's peak."""

import re

import numpy as np
import pytest
import torch
from conftest import GRAY_MATTER, save_nifti

from tools.benchmarks import bound, peak
from tools.benchmarks.bound import Operation, Operations, bench_bound, least_seconds
from tools.bundles import Bundle


def test_operations_and_bytes_of_each_layer():
    convolution, image = torch.nn.Conv2d(2, 4, 3, padding=1, bias=False), torch.zeros(1, 2, 8, 8)
    with torch.inference_mode(), Operations() as seen:
        torch.relu(convolution(image)).flatten()
    assert seen.done == [Operation(2 * 9 * 2 * 4 * 64, 4 * (128 + 72 + 256)), Operation(0, 4 * 512)]


def test_each_operation_takes_what_is_slower():
    done = [Operation(1000, 100), Operation(100, 1000), Operation(0, 500)]
    assert least_seconds(done, 100.0, lambda moved: 1000.0 if moved < 1000 else 500.0) == 10 + 2 + 0.5


def test_a_bundle_says_what_it_reaches_and_what_it_could(monkeypatch, tmp_path):
    """A copy a thousand times as fast as any leaves the matrix products alone: all of the peak could be reached."""
    noise = save_nifti(tmp_path / "noise.nii.gz", np.random.rand(64, 64, 2), np.diag([0.5, 0.5, 5, 1]))
    monkeypatch.setattr(bound, "full_field_cases", lambda bundle, folder: [str(noise)])
    monkeypatch.setattr(bound, "copies_in_a_second", lambda moved: 1e15)
    (line,) = bench_bound(Bundle(GRAY_MATTER))
    assert line.startswith("network on 1x1x112x112: ") and line.endswith(
        "; 1.00 were they at the peak and all else as fast as a copy"
    )
    reached, alone = (float(number) for number in re.findall(r"[0-9.]+(?= of the peak;|; 1.00)", line))
    assert 0 < reached < alone  # convolutions are a part


@pytest.mark.parametrize("moved, used", [(1, 2**16), (2**16, 2**16), (2**16 + 1, 2**17), (2**40, 2**28)])
def test_copies_are_of_about_the_size(monkeypatch, moved, used):
    monkeypatch.setattr(peak, "_rate_of_copies", lambda size: size)
    assert peak.copies_in_a_second(moved) == used
