"""IterativeFCN: sizes, counts, forms that it runs in."""

import pytest
import torch

from custom_networks.networks.iterative_fcn import IterativeFCN


def parameters(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_published_count():
    assert parameters(IterativeFCN(filters=64, share_weights=True, predict_label=False)) == 669_986


def test_label_branch_adds_one_output_row():
    assert parameters(IterativeFCN(filters=64, share_weights=True)) == 669_986 + 65


def test_separate_blocks_have_separate_weights():
    shared, separate = IterativeFCN(filters=4, share_weights=True), IterativeFCN(filters=4)
    inner = 2 * (4 * 4 * 27 + 4 + 8)
    outer = 8 * 4 * 27 + 4 + 8 + 4 * 4 * 27 + 4 + 8
    assert parameters(separate) - parameters(shared) == (3 + 3 - 1) * inner + 2 * outer


@pytest.mark.parametrize("shape", [(16, 16, 16), (32, 48, 16)])
def test_any_multiple_of_the_levels(shape):
    network = IterativeFCN(filters=[2, 3, 4], levels=3, contractions=1, head="convolution")
    assert network(torch.zeros(2, 2, *shape)).shape == (2, 3, *shape)


def test_scalars_are_constant_channels():
    output = IterativeFCN(filters=2, contractions=1).eval()(torch.randn(1, 2, 32, 32, 32))
    assert output[0, 1].unique().numel() == output[0, 2].unique().numel() == 1
    assert 5 < output[0, 2, 0, 0, 0] < 23


def test_torchscript_gives_the_same():
    network = IterativeFCN(filters=2, contractions=1).eval()
    patch = torch.randn(1, 2, 16, 16, 16)
    torch.testing.assert_close(torch.jit.script(network)(patch), network(patch))


def test_bfloat16_and_channels_last():
    network = IterativeFCN(filters=4, contractions=1).eval()
    patch = torch.randn(1, 2, 32, 32, 32)
    expected = network(patch)
    network = network.to(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(patch.to(memory_format=torch.channels_last_3d))
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, expected, atol=0.3, rtol=0.1)


def test_gradients_under_autocast_equal_those_of_float32():
    """oneDNN's bfloat16 gradient of a 3x3x3 convolution is garbage on maps of 2x2x2, where the classification path ends."""
    torch.manual_seed(0)
    network = IterativeFCN(filters=32, contractions=2, levels=3).eval()
    patch = torch.randn(2, 2, 32, 32, 32)
    gradients = []
    for enabled in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            network(patch)[:, 1:].sum().backward()
        gradients.append(network.classifying[-1][0].weight.grad.clone())
    assert (gradients[1] - gradients[0]).abs().max() < 0.1 * gradients[0].abs().max() + 1e-3


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="head"):
        IterativeFCN(head="none")
    with pytest.raises(ValueError, match="one a level"):
        IterativeFCN(filters=[2, 2])
    with pytest.raises(ValueError, match="equal filters"):
        IterativeFCN(filters=[2, 2, 2, 4], share_weights=True)
