"""Class weights are where the logits are."""

import pytest
import torch
from monai.losses import DiceCELoss
from simulated_gpu import SimulatedGPUs

from custom_networks import DeviceDiceCELoss, class_weights

OPTIONS = {"include_background": False, "to_onehot_y": True, "softmax": True}


def test_class_weights_follow_the_logits_to_another_device_and_back():
    weights = class_weights([1000, 50, 10])
    loss = DeviceDiceCELoss(**OPTIONS, weight=weights)
    logits, target = torch.rand(2, 3, 4, 4), torch.randint(0, 3, (2, 1, 4, 4))
    expected = DiceCELoss(**OPTIONS, weight=weights)(logits, target)
    torch.testing.assert_close(loss(logits, target), expected)
    with SimulatedGPUs():
        for device in ("cuda", "cpu"):
            found = loss(logits.to(device), target.to(device))
            assert found.device.type == device
            torch.testing.assert_close(found.cpu(), expected)
        with pytest.raises(RuntimeError, match="device"):
            DiceCELoss(**OPTIONS, weight=weights)(logits.to("cuda"), target.to("cuda"))
    assert DeviceDiceCELoss(**OPTIONS)(logits, target).isfinite()  # without weights
