"""How far a case has come, as inferers tell it."""

import pytest
import torch

from custom_networks import BrainWindowInferer, CordWindowInferer
from custom_networks.progress import follow_progress, tell_progress


def test_whoever_follows_hears_shares():
    heard = []
    tell_progress(1, 2)
    with follow_progress(heard.append):
        tell_progress(1, 4)
        tell_progress(5, 4)
        tell_progress(1, 0)
    tell_progress(1, 2)
    assert heard == [0.25, 1.0]


@pytest.mark.parametrize(
    ("inferer", "shape", "classes"),
    [
        (BrainWindowInferer(16, overlap=0.25, precision="float32"), (1, 1, 40, 30, 16), 2),
        (CordWindowInferer(window=16, flip=False), (1, 1, 16, 16, 5), 1),
    ],
)
def test_inferers_tell_their_windows(inferer, shape, classes):
    heard = []
    with follow_progress(heard.append):
        inferer(torch.rand(shape) + 1, lambda windows: windows[:, :1].repeat(1, classes, *[1] * (windows.ndim - 2)))
    assert len(heard) >= 5 and heard == sorted(heard) and heard[-1] >= 0.8
    assert len(set(heard)) == len(heard)
