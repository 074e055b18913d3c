import pytest
import torch

from custom_networks import LesionUNet


def test_parameter_count():
    assert sum(p.numel() for p in LesionUNet().parameters() if p.requires_grad) == 2_260_866


@pytest.mark.parametrize("shape", [(32, 32, 32), (16, 24, 40)])
def test_size_is_kept(shape):
    assert LesionUNet(width=4)(torch.rand(2, 2, *shape)).shape == (2, 2, *shape)


def test_batch_norm_keeps_a_dim_patch_dim():
    """Each patch by itself would make the dim one as bright as the other; batch statistics tell them apart."""
    torch.manual_seed(0)
    dim = torch.rand(1, 2, 16, 16, 16)
    batch = torch.cat([dim, 3 * dim])
    same = {}
    for norm in ("instance", "batch"):
        first, second = LesionUNet(width=4, norm=norm).train()(batch)
        same[norm] = torch.allclose(first, second, atol=0.05)
    assert same == {"instance": True, "batch": False}


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="'layer'"):
        LesionUNet(norm="layer")


def test_skips_are_added():
    """Without what comes from below, the first encoder's features pass to the last decoder as they are."""
    network = LesionUNet(width=4).eval()
    torch.nn.init.zeros_(network.double1.weight)
    torch.nn.init.zeros_(network.double1.bias)
    image = torch.rand(1, 2, 16, 16, 16)
    expected = network.classifier(network.decoder1(network.encoder1(image)))
    torch.testing.assert_close(network(image), expected)


def test_torchscript_gives_the_same():
    network, image = LesionUNet(width=4).eval(), torch.rand(1, 2, 16, 16, 16)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))
