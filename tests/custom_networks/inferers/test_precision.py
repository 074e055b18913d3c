from contextlib import nullcontext

import pytest
import torch
from simulated_gpu import SimulatedGPUs

from custom_networks import AutocastInferer, UserError, half_type, needs_gradient_scaler, precision_name
from custom_networks.inferers import precision as policy


@pytest.mark.parametrize(
    ("capability", "asked", "name"),
    [
        ((9, 0), "auto", "bfloat16"),
        ((8, 0), "auto", "bfloat16"),
        ((7, 5), "auto", "float16"),  # T4
        ((7, 0), "auto", "float16"),  # V100
        ((6, 1), "auto", "float32"),
        ((8, 0), "float32", "float32"),
        ((7, 5), "float32", "float32"),
        ((8, 0), "float16", "float16"),
        ((6, 1), "float16", "float16"),
    ],
)
def test_precision_of_gpus(capability, asked, name):
    with SimulatedGPUs(capability=capability):
        assert precision_name("cuda:0", asked) == name
        assert needs_gradient_scaler(torch.device("cuda"), asked) == (name == "float16")


@pytest.mark.parametrize(("fast", "asked", "name"), [(True, "auto", "bfloat16"), (False, "auto", "float32"),
                                                     (False, "bfloat16", "bfloat16"), (True, "float32", "float32")])  # fmt: skip
def test_precision_of_processors(monkeypatch, fast, asked, name):
    monkeypatch.setattr(policy, "has_bfloat16", lambda device: fast)
    assert precision_name("cpu", asked) == name and not needs_gradient_scaler("cpu", asked)


@pytest.mark.parametrize("asked", ["auto", "float32"])
def test_mps_is_float32(asked):
    assert half_type("mps", asked) is None and half_type(torch.device("mps:0"), asked) is None


@pytest.mark.parametrize(
    ("device", "asked", "text"),
    [
        ("cpu", "half", "no such precision"),
        ("cpu", True, "no such precision"),
        ("cpu", "float16", "for GPUs"),
        ("mps", "bfloat16", "not on the device mps"),
        ("mps", "float16", "not on the device mps"),
        ("cuda:0", "bfloat16", "not on the device cuda:0"),
    ],
)
def test_what_a_device_lacks_is_refused(device, asked, text):
    with SimulatedGPUs(capability=(7, 5)), pytest.raises(UserError, match=text):
        half_type(device, asked)


class Seen(torch.nn.Module):
    """Keeps the type that its product was computed in."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        answer = self.layer(picture)
        self.kind = answer.dtype
        return answer


@pytest.mark.parametrize("asked", ["auto", "float32"])
@pytest.mark.parametrize("fast", [True, False])
def test_an_outer_autocast_stays_on(monkeypatch, fast, asked):
    monkeypatch.setattr(policy, "has_bfloat16", lambda device: fast)
    network = Seen()
    with torch.autocast("cpu", torch.bfloat16):
        assert AutocastInferer(asked)(torch.ones(1, 1, 4, 4), network).dtype == torch.float32
    assert network.kind == torch.bfloat16


@pytest.mark.parametrize("outer", [False, True])
@pytest.mark.parametrize(("capability", "kind"), [((8, 0), torch.bfloat16), ((7, 5), torch.float16), ((6, 0), torch.float32)])
def test_autocast_on_gpus(capability, kind, outer):
    with SimulatedGPUs(capability=capability):
        network, picture = Seen().cuda().train(), torch.ones(1, 1, 4, 4, device="cuda")
        with torch.autocast("cuda", torch.float16) if outer else nullcontext():
            assert AutocastInferer()(picture, network).dtype == torch.float32
        assert network.kind == (torch.float16 if outer else kind)
