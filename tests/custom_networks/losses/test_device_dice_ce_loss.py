"""Class weights are where the logits are."""

import torch
from monai.losses import DiceCELoss

from custom_networks import DeviceDiceCELoss, class_weights

OPTIONS = {"include_background": False, "to_onehot_y": True, "softmax": True}


def test_class_weights_follow_the_logits_to_another_device_and_back():
    weights = class_weights([1000, 50, 10])
    loss = DeviceDiceCELoss(**OPTIONS, weight=weights)
    logits, target = torch.rand(2, 3, 4, 4), torch.randint(0, 3, (2, 1, 4, 4))
    expected = DiceCELoss(**OPTIONS, weight=weights)(logits, target)
    torch.testing.assert_close(loss(logits, target), expected)
    assert DeviceDiceCELoss(**OPTIONS, weight=weights)(logits.to("meta"), target.to("meta")).device.type == "meta"
    assert DeviceDiceCELoss(**OPTIONS)(logits, target).isfinite()  # without weights
