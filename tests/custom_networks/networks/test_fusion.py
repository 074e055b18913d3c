import copy
import gc
import importlib.util
import weakref

import pytest
import torch
from monai.networks.nets import UNet
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from custom_networks import (
    AutocastInferer,
    CordLocaliser,
    FullyConvNet,
    IterativeFCN,
    LesionUNet,
    LightUNet,
    MeanNetwork,
    MultiScalePyramid,
    NoPoolASPP,
)
from custom_networks.networks.fused_layers import SIZES, FusedConvolution, NormedConvolution
from custom_networks.networks.fusion import for_inference, fuse

CASES = {
    "cord": (lambda: NoPoolASPP(filters=8), (2, 1, 21, 30)),
    "cord, published code": (lambda: NoPoolASPP(filters=8, pooled_branch="dilated_stem"), (1, 1, 21, 30)),
    "localiser": (lambda: CordLocaliser(), (1, 1, 21, 30)),
    "vertebrae": (lambda: IterativeFCN(filters=4, contractions=1), (1, 2, 16, 16, 16)),
    "vertebrae, as published": (lambda: IterativeFCN(filters=4, share_weights=True, contractions=1), (2, 2, 16, 16, 16)),
    "lesions": (lambda: LesionUNet(width=4, convolutions=2, norm="instance"), (2, 2, 16, 16, 16)),
    "lesions, without norm": (lambda: LesionUNet(width=4), (1, 2, 16, 16, 16)),
    "films": (lambda: MeanNetwork([LightUNet(width=4), LightUNet(width=4)]), (1, 1, 33, 40)),
    "films, coarse": (lambda: FullyConvNet(), (2, 1, 33, 40)),
    "muscles": (lambda: MultiScalePyramid(width=4), (2, 1, 32, 48)),
    "brain": (lambda: UNet(3, 1, 2, (4, 8, 8), (2, 2), num_res_units=1, norm="instance"), (1, 1, 16, 16, 16)),
}


def trained(make) -> nn.Module:
    """Return a network whose norms, slopes and biases are as if it had been trained, in evaluation."""
    torch.manual_seed(0)
    network = make()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, -1, 2)  # negative too
            nn.init.normal_(module.bias)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.2, 1.2)
    return network.eval()


@pytest.mark.parametrize("name", CASES)
def test_answers_stay(name):
    make, shape = CASES[name]
    network = trained(make)
    kept = copy.deepcopy(network.state_dict())
    image = torch.randn(shape)
    with torch.inference_mode():
        expected = network(image)
        fused = for_inference(network)
        assert fused is not network and any(isinstance(module, FusedConvolution) for module in fused.modules())
        torch.testing.assert_close(fused(image), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
        with torch.autocast("cpu", torch.bfloat16):
            before, after = network(image), fused(image)
        assert float((after - expected).abs().mean()) < 1.3 * float((before - expected).abs().mean()) + 1e-6
    assert kept.keys() == network.state_dict().keys()
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in kept.items())


class Counted(TorchDispatchMode):
    """Counts operations by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, int] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        self.calls[name] = self.calls.get(name, 0) + 1
        return function(*args, **(kwargs or {}))


def test_an_activation_is_part_of_its_convolution():
    network = trained(CASES["cord"][0])
    with torch.no_grad(), Counted() as counted:
        for_inference(network)(torch.randn(1, 1, 20, 20))
    assert counted.calls["_convolution_pointwise"] + counted.calls["_convolution_pointwise_"] == 16
    assert not {"relu", "clamp_min", "dropout"} & counted.calls.keys()
    assert counted.calls["native_batch_norm"] == 1  # that of 16 which five branches share


@torch.no_grad()
@pytest.mark.parametrize(
    "settings",
    [{"padding": 1}, {"padding": (2, 0)}, {"padding": 6, "dilation": 6}, {"padding": 1, "stride": 2, "bias": False}],
)
@pytest.mark.parametrize("after", [[], [nn.BatchNorm2d(4), nn.ReLU()]])
def test_a_norm_before_a_border_moves_no_zero_beyond_it(settings, after):
    network = trained(lambda: Chain(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, **settings), *after))
    fused = for_inference(network)
    (layer,) = fused.layers
    assert type(layer) is NormedConvolution
    for shape in [(1, 3, 11, 9), (2, 3, 11, 9), *((1, 3, side, 10) for side in range(10, 20)), (1, 3, 11, 9)]:
        image = torch.randn(shape)
        torch.testing.assert_close(fused(image), network(image), rtol=1e-4, atol=1e-5)
    assert len(layer._borders) <= SIZES


@torch.no_grad()
@pytest.mark.parametrize("after", [[nn.LeakyReLU(0.1)], [nn.BatchNorm2d(4), nn.LeakyReLU(0.1)]])
def test_a_norm_stays_before_what_cannot_take_it(after):
    network = trained(lambda: Chain(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1), *after))
    assert [type(layer) for layer in for_inference(network).layers] == [nn.BatchNorm2d, FusedConvolution]
    image = torch.randn(1, 3, 9, 8)
    torch.testing.assert_close(for_inference(network)(image), network(image), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_in_bfloat16_a_large_bias_is_rounded_once():
    """The norm's shift is in the bias and in the kept image: both together tell it as one number of float32 does."""
    network = trained(lambda: Chain(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1)))
    network.layers[1].weight.mul_(1e-3)
    network.layers[1].bias.copy_(torch.tensor([1.0, 0.123456, 10.02, -3.3333]))
    image = torch.zeros(1, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        answer = for_inference(network)(image)
    assert torch.equal(answer, network(image).bfloat16())


def test_what_is_enlarged_is_neither_enlarged_nor_joined():
    """The last join stays: numbers behind the logits."""
    network = trained(CASES["vertebrae"][0])
    with torch.no_grad(), Counted() as counted:
        for_inference(network)(torch.randn(1, 2, 16, 16, 16))
    assert "upsample_nearest3d" not in counted.calls and counted.calls["cat"] == 1
    assert counted.calls["_convolution_transpose_pointwise"] == 3


@pytest.mark.parametrize("kind", [IterativeFCN, NoPoolASPP, LesionUNet, MultiScalePyramid, FullyConvNet])
def test_classes_imported_anew_are_fused_alike(kind):
    """MONAI Label imports a bundle's scripts anew between loading the network and applying it."""
    specification = importlib.util.find_spec(kind.__module__)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    with torch.no_grad():
        one, other = fuse(trained(kind)), fuse(trained(getattr(module, kind.__name__)))
    assert [type(layer).__name__ for layer in one.modules()] == [type(layer).__name__ for layer in other.modules()]


@pytest.mark.parametrize("name", ["lesions", "films"])
def test_channels_stay_last(name):
    make, shape = CASES[name]
    layouts = []
    fused = fuse(trained(make))
    for module in fused.modules():
        if isinstance(module, FusedConvolution):
            module.register_forward_hook(lambda module, inputs, output: layouts.append(output.stride(1)))
    with torch.inference_mode():
        fused(torch.randn(1, *shape[1:]))
    assert layouts and set(layouts) == {1}


def test_new_weights_are_seen():
    network = trained(CASES["films, coarse"][0])
    image = torch.randn(1, 1, 16, 16)
    with torch.no_grad():
        first = for_inference(network)
        assert for_inference(network) is first
        network[-1].bias.add_(1)  # as optimizers do
        torch.testing.assert_close(for_inference(network)(image), network(image), rtol=1e-4, atol=1e-4)
        network.load_state_dict({key: value * 0.5 for key, value in network.state_dict().items()})
        torch.testing.assert_close(for_inference(network)(image), network(image), rtol=1e-4, atol=1e-4)
    with torch.inference_mode():
        network[-1].bias.add_(1)
        torch.testing.assert_close(for_inference(network)(image), network(image), rtol=1e-4, atol=1e-4)


def test_a_forgotten_network_is_freed():
    network = trained(CASES["localiser"][0])
    with torch.no_grad():
        for_inference(network)
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


class Chain(nn.Module):
    """Layers that may be fused."""

    chains = ()

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, image):
        return self.layers(image)


class Watching(nn.Sequential):
    """Keeps what passes through it, as a user's network may."""

    def forward(self, image):
        self.seen = super().forward(image)
        return self.seen


@torch.no_grad()
def test_what_is_left_as_it_is():
    network = trained(CASES["localiser"][0])
    with torch.enable_grad():
        assert for_inference(network) is network
    assert for_inference(torch.sigmoid) is torch.sigmoid
    watching = Watching(nn.Conv2d(1, 1, 3)).eval()
    assert for_inference(watching) is watching
    double = trained(CASES["localiser"][0]).double()
    assert for_inference(double) is double
    scripted = torch.jit.script(network)
    assert for_inference(scripted) is scripted
    hook = network.register_forward_hook(lambda *arguments: None)
    assert for_inference(network) is network
    hook.remove()
    assert for_inference(network) is not network
    assert for_inference(network.train()) is network


@torch.no_grad()
def test_layers_of_others_are_not_joined():
    """MONAI's networks may look into their sequences: their layers stay apart."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval()
    assert [type(layer) for layer in for_inference(network)] == [FusedConvolution, nn.BatchNorm2d, nn.ReLU]


@torch.no_grad()
@pytest.mark.parametrize("options", [{"affine": False}, {"track_running_stats": False}])
def test_norms_without_weights_or_statistics_are_left_alone(options):
    network = Chain(nn.BatchNorm2d(2, **options), nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3, **options)).eval()
    image = torch.randn(2, 2, 9, 9)
    torch.testing.assert_close(fuse(network)(image), network(image), rtol=1e-4, atol=1e-4)


def test_networks_are_fused_where_they_are_applied():
    network = trained(CASES["films"][0])
    image = torch.randn(1, 1, 32, 32)
    with torch.no_grad(), Counted() as counted:
        answer = AutocastInferer("float32")(image, network)
    assert counted.calls["_convolution_pointwise"] == 16
    with torch.no_grad():
        torch.testing.assert_close(answer, network(image), rtol=1e-4, atol=1e-4)
    assert AutocastInferer("float32")(image, network).requires_grad
