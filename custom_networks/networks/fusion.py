"""Give a network the form in which a processor runs it fastest; its answers stay, but for rounding."""

import copy
from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..memory import keep_freed_memory
from .batch_norms import BATCH_NORMS, scale_and_shift
from .fused_layers import FusedConvolution, FusedExpansion, NormedConvolution, WholeNorm, WidePReLU, activation_code

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
INSTANCE_NORMS = (nn.InstanceNorm2d, nn.InstanceNorm3d)
KNOWN = ("torch", "monai", __package__.partition(".")[0])
DROPOUTS = (nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity)

_fused: WeakKeyDictionary[nn.Module, tuple[tuple, nn.Module]] = WeakKeyDictionary()


def for_inference(network: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return what to call in a network's place where no gradient is asked for: its fused copy, made once for its weights.

    The network itself comes back in training, with gradients, on other devices than the processor, with hooks, in other types than
    float32, as TorchScript, with classes of others than torch, MONAI and us, which may keep what they see, or where torch has no
    oneDNN.
    """
    keep_freed_memory()  # in training too
    if not isinstance(network, nn.Module) or not _can_fuse(network):
        return network
    state = tuple((tensor.data_ptr(), tensor._version) for tensor in _tensors(network))
    known, fused = _fused.get(network, (None, None))
    if known != state:
        fused = fuse(network)
        _fused[network] = state, fused
    return fused


def fuse(network: nn.Module) -> nn.Module:
    """Return a copy of a network in evaluation whose layers are fused; what it can keep it shares with the network.

    Each convolution keeps its weights in the type of autocast, instance normalisation keeps channels last. A network whose class
    has ``chains`` runs each of its `nn.Sequential` as a whole, and the modules that ``chains`` names one after the other; in these,
    dropout goes, convolutions take up the activation behind them, and batch normalisation next to them where that is exact: behind
    a convolution, and before one in 2D or without padding. A class with ``merge_norms`` brings norms to such places first. What a
    block would enlarge whose class says ``enlarges`` is not enlarged.
    """
    shared = {id(tensor): tensor for tensor in _tensors(network)}
    network = copy.deepcopy(network, shared)
    for module in list(network.modules()):
        if hasattr(type(module), "chains"):
            _fuse_chains(module)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            setattr(module, name, _alone(child))
    return network


def _can_fuse(network: nn.Module) -> bool:
    if network.training or torch.is_grad_enabled() or isinstance(network, torch.jit.ScriptModule):
        return False
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    if any(module._forward_hooks or module._forward_pre_hooks or not _is_known(module) for module in network.modules()):
        return False
    floats = [tensor for tensor in _tensors(network) if tensor.is_floating_point()]
    return all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 and not tensor.is_inference() for tensor in floats)


def _is_known(module: nn.Module) -> bool:
    return type(module).__module__.partition(".")[0] in KNOWN or hasattr(type(module), "chains")


def _tensors(network: nn.Module) -> Iterator[torch.Tensor]:
    yield from network.parameters()
    yield from network.buffers()


def _fuse_chains(network: nn.Module) -> None:
    if hasattr(network, "merge_norms"):
        network.merge_norms()
    for names in type(network).chains:
        first, *others = names
        setattr(network, first, nn.Sequential(*_fused_chain([getattr(network, name) for name in names])))
        for name in others:
            setattr(network, name, nn.Identity())
    for module in list(network.modules()):
        for name, child in module._modules.items():
            if vars(type(child)).get("enlarges"):  # no isinstance: a server imports a bundle's classes anew
                setattr(module, name, _fused_expansion(child))
        if _is_chain(module):
            module._modules = dict(nn.Sequential(*_fused_chain(list(module))).named_children())


def _fused_expansion(block: nn.Sequential) -> FusedExpansion:
    convolution, activation, *rest = block
    return FusedExpansion(convolution, activation, convolution.out_channels, _fused_chain(rest))


def _is_chain(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _fused_chain(modules: Sequence[nn.Module]) -> list[nn.Module]:
    """Return modules that give what these give, one after the other."""
    left = list(_flat(modules))
    done: list[nn.Module] = []
    while left:
        layer, before = left.pop(0), None
        if _has_statistics(layer) and _takes_norm(left):
            before, layer = layer, left.pop(0)
        elif not _is_plain(layer):
            in_place = type(layer) in (nn.ReLU, nn.LeakyReLU) and done and type(done[-1]) in (*BATCH_NORMS, *INSTANCE_NORMS)
            done.append(_in_place(layer) if in_place else layer)
            continue
        after = left.pop(0) if left and _has_statistics(left[0]) else None
        activation = left.pop(0) if left and activation_code(left[0]) is not None else None
        done.append(_fused_convolution(layer, activation, before, after))
    return done


def _fused_convolution(
    layer: nn.Conv2d | nn.Conv3d, activation: nn.Module | None, before: nn.Module | None, after: nn.Module | None
) -> FusedConvolution:
    """Return a convolution with the batch normalisations before and after it, if any, and its activation."""
    weight, bias = layer.weight.detach(), layer.bias
    if after is not None:
        statistics = after.running_mean, after.running_var, after.eps, after.weight, after.bias
        weight, bias = (part.detach() for part in fuse_conv_bn_weights(weight, bias, *statistics))
    if before is None:
        return FusedConvolution(layer, activation, weight, bias)
    scale, shift = scale_and_shift(before)
    if any(layer.padding):
        return NormedConvolution(layer, activation, weight, bias, scale, shift)
    along = [1, -1, *[1] * (weight.ndim - 2)]
    added = (weight * shift.view(along)).flatten(1).sum(1)
    return FusedConvolution(layer, activation, weight * scale.view(along), added if bias is None else bias + added)


def _flat(modules: Sequence[nn.Module]) -> Iterator[nn.Module]:
    for module in modules:
        if _is_chain(module):
            yield from _flat(module)
        elif type(module) not in DROPOUTS:
            yield module


def _is_plain(layer: nn.Module) -> bool:
    return type(layer) in CONVOLUTIONS and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _has_statistics(layer: nn.Module) -> bool:
    """Tell whether a layer is a batch normalisation that multiplies and adds the same to every image."""
    return type(layer) in BATCH_NORMS and layer.running_var is not None and layer.weight is not None


def _takes_norm(layers: Sequence[nn.Module]) -> bool:
    """Tell whether a batch normalisation before layers can become part of the first.

    With a border, what the shift adds up to is an image: in 3D that fits no cache. oneDNN has ReLU alone behind such a sum.
    """
    if not layers or not _is_plain(layers[0]) or layers[0].groups > 1:
        return False
    if not any(layers[0].padding):
        return True
    return type(layers[0]) is nn.Conv2d and not any(type(layer) is nn.LeakyReLU for layer in layers[1:3])


def _in_place(activation: nn.ReLU | nn.LeakyReLU) -> nn.Module:
    activation = copy.copy(activation)
    activation.inplace = True
    return activation


def _alone(layer: nn.Module) -> nn.Module:
    """Return what stands for a layer whatever comes before and after it."""
    if _is_plain(layer):
        return FusedConvolution(layer)
    if type(layer) in INSTANCE_NORMS and not layer.track_running_stats:
        return WholeNorm(layer)
    if type(layer) is nn.PReLU and layer.num_parameters > 1:
        return WidePReLU(layer)
    return layer
