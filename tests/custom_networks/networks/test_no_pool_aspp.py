import pytest
import torch

from custom_networks import NoPoolASPP


def count(tensors) -> int:
    return sum(tensor.numel() for tensor in tensors)


@pytest.mark.parametrize("pooled_branch", ["stem", "dilated_stem"])
def test_counts_are_those_of_the_published_file(pooled_branch):
    network = NoPoolASPP(pooled_branch=pooled_branch)
    statistics = [value for name, value in network.named_buffers() if "num_batches" not in name]
    assert count(network.parameters()) == 126_177
    assert count(statistics) == 1_408


@pytest.mark.parametrize("shape", [(200, 200), (51, 64), (7, 3), (1, 1)])
def test_output_keeps_any_size(shape):
    assert NoPoolASPP()(torch.zeros(2, 1, *shape)).shape == (2, 1, *shape)


def test_every_parameter_gets_a_gradient():
    network = NoPoolASPP(dropout=0.0)
    network(torch.randn(2, 1, 64, 64)).square().sum().backward()
    without = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().any()]
    assert without == []


@pytest.mark.parametrize("pooled_branch", ["stem", "dilated_stem"])
def test_torchscript_answers_alike(pooled_branch):
    network = NoPoolASPP(pooled_branch=pooled_branch).eval()
    image = torch.randn(1, 1, 33, 40)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


@pytest.mark.parametrize(("branch", "reach"), [(0, 1), (1, 12), (2, 24), (3, 36), (4, 48)])
def test_receptive_field_of_each_branch(branch, reach):
    features = torch.zeros(1, 32, 121, 121, requires_grad=True)
    NoPoolASPP().eval().branches[branch](features)[0, :, 60, 60].sum().backward()
    touched = features.grad[0].abs().sum(0).nonzero()
    assert touched.min(0).values.tolist() == [60 - reach] * 2
    assert touched.max(0).values.tolist() == [60 + reach] * 2


def test_variants_differ_where_the_average_starts():
    image = torch.randn(1, 1, 32, 32)
    state = NoPoolASPP(pooled_branch="stem").state_dict()
    answers = []
    for pooled_branch in ("stem", "dilated_stem"):
        network = NoPoolASPP(pooled_branch=pooled_branch).eval()
        network.load_state_dict(state)
        answers.append(network(image))
    assert not torch.allclose(*answers)


def test_initial_weights_have_the_stated_deviation():
    weight = NoPoolASPP().branches[1][0].conv.weight
    assert weight.std().item() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.05)


def test_unknown_pooled_branch_is_refused():
    with pytest.raises(ValueError, match="pooled_branch must be one of"):
        NoPoolASPP(pooled_branch="nowhere")
