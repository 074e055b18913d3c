import torch

from custom_networks import LeNet


def test_parameter_count():
    assert sum(value.numel() for value in LeNet().parameters()) == 81_194


def test_output_has_a_logit_for_each_class():
    assert LeNet(num_classes=7)(torch.zeros(3, 1, 32, 32)).shape == (3, 7)


def test_torchscript_answers_alike():
    network, image = LeNet().eval(), torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_every_parameter_gets_a_gradient():
    network = LeNet()
    network(torch.rand(8, 1, 32, 32)).square().sum().backward()
    assert all(value.grad.abs().any() for value in network.parameters())
