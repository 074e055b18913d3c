"""Every loss, metric and inferer alone on a simulated GPU: as on the CPU, and never beside a tensor of another GPU."""

import pytest
import torch
from monai.losses import DiceCELoss
from simulated_gpu import SimulatedGPUs

from custom_networks import (
    AutocastInferer,
    BrainWindowInferer,
    CordSearch,
    CordWindowInferer,
    DeviceDiceCELoss,
    IgnoreLabel,
    IterativeInstanceLoss,
    IterativeVertebraInferer,
    MirroredPlaneInferer,
    MultiScaleInferer,
    MultiStageDiceLoss,
    PartialLabels,
    PlaneInferer,
    VertebraProgress,
    allowed_classes,
    dice_coefficients,
    resolve_partial,
)

FLOAT32 = {"precision": "float32"}
TRAVERSAL = {"min_bone": 0, "max_patches": 4, "window_batch": 1} | FLOAT32


def labels(classes: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, classes, shape, generator=torch.Generator().manual_seed(1))


def logits(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def vertebra_target() -> torch.Tensor:
    target = torch.ones(2, 4, 8, 8, 8)
    target[:, 0] = labels(2, 2, 8, 8, 8)
    return target


WEIGHTED = {"softmax": True, "to_onehot_y": True, "weight": torch.tensor([0.5, 1, 2])}
PICTURES, TARGETS, PARTIAL = logits(2, 3, 8, 8), labels(3, 2, 1, 8, 8), labels(4, 2, 1, 8, 8)
LOSSES = {
    "class weights": (lambda: DeviceDiceCELoss(**WEIGHTED), PICTURES, TARGETS),
    "ignored label": (lambda: IgnoreLabel(DiceCELoss(softmax=True, to_onehot_y=True)), PICTURES[:, :2], TARGETS),
    "instance": (lambda: IterativeInstanceLoss(cross_entropy=0.5), logits(2, 3, 8, 8, 8), vertebra_target()),
    "stages": (lambda: MultiStageDiceLoss(cross_entropy=1), PICTURES, TARGETS),
    "partial stages": (lambda: MultiStageDiceLoss(num_classes=3, allowed={3: [1, 2]}), PICTURES, PARTIAL),
    "partial": (lambda: PartialLabels(DiceCELoss(softmax=True), 3, {3: [0, 2]}), PICTURES, PARTIAL),
}


def progress(pred: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    metric = VertebraProgress(device=pred.device)
    metric.update((pred, label))
    return torch.tensor(list(metric.compute().values()))


TABLE = allowed_classes(3, {3: [1, 2]})
METRICS = {
    "dice": (lambda pred, label: dice_coefficients(pred, label, 3), labels(3, 6, 6), labels(3, 36).reshape(6, 6).T),
    "partial labels": (lambda pred, label: resolve_partial(pred, label, TABLE.to(pred.device)), labels(3, 6, 6), labels(4, 6, 6)),
    "progress of vertebrae": (progress, logits(2, 3, 8, 8, 8), vertebra_target()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    make, predicted, target = LOSSES[name]
    expected = make()(predicted, target)
    with SimulatedGPUs(count=2):
        here = predicted.to("cuda:1").requires_grad_()
        loss = make()(here, target.to("cuda:1"))
        loss.backward()
        assert loss.device == here.grad.device == torch.device("cuda", 1)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        with pytest.raises(RuntimeError, match="two devices"):
            make()(predicted.to("cuda:0"), target.to("cuda:1"))


@pytest.mark.parametrize("name", METRICS)
def test_metrics(name):
    score, predicted, target = METRICS[name]
    expected = score(predicted, target)
    with SimulatedGPUs(count=2):
        found = score(predicted.to("cuda:1"), target.to("cuda:1")).cpu()
        torch.testing.assert_close(found, expected)
        with pytest.raises(RuntimeError, match="two devices"):
            score(predicted.to("cuda:0"), target.to("cuda:1"))


class Convolution(torch.nn.Module):
    """One convolution, whose weights lie where the network was put."""

    def __init__(self, dimensions: int, classes: int, channels: int = 1) -> None:
        super().__init__()
        layer = torch.nn.Conv2d if dimensions == 2 else torch.nn.Conv3d
        self.layer = layer(channels, classes, 3, padding=1)
        with torch.no_grad():
            self.layer.weight.fill_(0.1)
            self.layer.bias.copy_(torch.arange(classes) / 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image)


picture, volume = logits(1, 1, 32, 32).abs(), logits(1, 1, 40, 40, 3).abs()
INFERERS = {
    "autocast": (lambda: AutocastInferer(**FLOAT32), (2, 3), picture),
    "plane": (lambda: PlaneInferer(**FLOAT32), (2, 3), volume),
    "mirrored": (lambda: MirroredPlaneInferer(["right lung", "left lung"], **FLOAT32), (2, 3), picture),
    "scales": (lambda: MultiScaleInferer((1, 2), **FLOAT32), (2, 3), picture),
    "cord": (lambda: CordWindowInferer(window=16, spacing=0.5, **FLOAT32), (2, 1), volume),
    "cord search": (lambda: CordWindowInferer(CordSearch(window=16), window=16, spacing=0.5, **FLOAT32), (2, 1), volume),
    "brain": (lambda: BrainWindowInferer(16, flips=[0], **FLOAT32), (3, 2), logits(1, 1, 20, 20, 20)),
    "vertebrae": (lambda: IterativeVertebraInferer(16, **TRAVERSAL), (3, 3, 2), logits(1, 1, 20, 20, 20)),
}


@pytest.mark.parametrize("name", INFERERS)
def test_inferers(name):
    make, shape, image = INFERERS[name]
    network = Convolution(*shape).eval()
    with torch.inference_mode():
        expected = make()(image, network)
    with SimulatedGPUs(count=2), torch.inference_mode():
        found = make()(image.to("cuda:1"), Convolution(*shape).eval().to("cuda:1"))
        assert name == "vertebrae" or found.device == torch.device("cuda", 1)  # numbers are given on the CPU
        torch.testing.assert_close(found.cpu(), expected)
        with pytest.raises(RuntimeError, match="two devices"):
            make()(image.to("cuda:0"), Convolution(*shape).eval().to("cuda:1"))
