import torch

from custom_networks import CordLocaliser


def test_parameters_and_shapes():
    network = CordLocaliser().eval()
    assert sum(p.numel() for p in network.parameters()) == 8_257
    for size in ((1, 1), (51, 64), (200, 33)):
        assert network(torch.rand(2, 1, *size)).shape == (2, 1, *size)


def test_it_sees_what_lies_up_to_45_mm_around():
    network = CordLocaliser().double().eval()
    image = torch.rand(1, 1, 161, 161, dtype=torch.float64, requires_grad=True)
    network(image)[0, 0, 80, 80].backward()
    seen = torch.nonzero(image.grad[0, 0].any(0))
    assert 80 - 46 <= int(seen.min()) <= 40 and 120 <= int(seen.max()) <= 80 + 46
