import pytest
import torch

from custom_networks import MultiScalePyramid


@pytest.mark.parametrize(("classes", "count"), [(7, 6_368_414), (5, 6_367_994)])
def test_parameter_counts(classes, count):
    assert sum(value.numel() for value in MultiScalePyramid(out_channels=classes).parameters()) == count


@pytest.mark.parametrize("size", [(64, 64), (66, 50), (30, 34)])
def test_any_even_size_works(size):
    assert MultiScalePyramid(width=4).eval()(torch.rand(1, 1, *size)).shape == (1, 5, *size)


def test_training_returns_both_stages_and_inference_the_second():
    network, image = MultiScalePyramid(width=4, dropout=0.0), torch.rand(2, 1, 32, 48)
    coarse, fine = network(image)
    assert coarse.shape == fine.shape == (2, 5, 32, 48)
    torch.testing.assert_close(network.eval()(image), fine)


def test_second_stage_hears_the_first():
    network, image = MultiScalePyramid(width=4).eval(), torch.rand(1, 1, 32, 32)
    before = network(image)
    torch.nn.init.constant_(network.coarse.classifier.bias, 0.0)
    network.coarse.classifier.bias.data[2] = 20.0
    assert not torch.allclose(before, network(image))


def test_torchscript_answers_alike():
    network, image = MultiScalePyramid(width=4).eval(), torch.rand(1, 1, 34, 32)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))
