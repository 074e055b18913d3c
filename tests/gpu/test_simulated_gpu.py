"""The simulated GPU refuses what CUDA refuses, and nothing else."""

import io

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from simulated_gpu import SimulatedGPUs


@pytest.fixture(autouse=True)
def gpus():
    with SimulatedGPUs(count=2) as simulation:
        yield simulation


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(3, device="cuda"),
        lambda: torch.zeros(3).cuda(),
        lambda: torch.zeros(3).to("cuda:0"),
        lambda: torch.zeros(3).to(0),
        lambda: torch.zeros(3).to(torch.device("cuda", 0), torch.float16),
        lambda: torch.zeros(3).to(device="cuda", dtype=torch.int32),
        lambda: torch.zeros(3).to(torch.zeros(1, device="cuda")),
        lambda: torch.as_tensor(np.zeros(3), device="cuda"),
        lambda: torch.zeros_like(torch.zeros(3, device="cuda")),
        lambda: torch.zeros(3, device="cuda").new_ones(2),
        lambda: torch.zeros(3, device="cuda")[1:] + 1,
        lambda: torch.nn.Linear(3, 2).cuda().weight,
        lambda: torch.nn.Conv2d(1, 1, 1).to(device="cuda", memory_format=torch.channels_last).bias,
        lambda: torch.nn.Linear(3, 2).to("cuda")(torch.zeros(1, 3, device="cuda")),
        lambda: MetaTensor(torch.zeros(1, 3)).to("cuda"),
        lambda: torch.rand(3, device="cuda").double().detach().clone(),
        lambda: torch.rand(3, device="cuda", generator=torch.Generator("cuda").manual_seed(1)),
    ],
)
def test_device_of_what_is_made_there(make):
    made = make()
    assert made.device == torch.device("cuda", 0) and made.is_cuda and not made.is_cpu and made.get_device() == 0


def test_tensors_come_home():
    there = torch.arange(3, device="cuda")
    for home in (there.cpu(), there.to("cpu"), there.to(torch.device("cpu")), there.to(torch.zeros(1))):
        assert home.device.type == "cpu" and home.numpy().tolist() == [0, 1, 2]
    assert there.is_cuda and there.tolist() == [0, 1, 2] and there.sum().item() == 3


def test_to_the_same_device_is_no_copy_and_to_another_is_one():
    here = torch.zeros(3)
    there = here.to("cuda")
    there += 1
    assert here.sum() == 0 and there.to("cuda") is there and there.to("cuda", copy=True) is not there
    assert torch.as_tensor(here, device="cuda").add_(1).sum() == 3 and here.sum() == 0


@pytest.mark.parametrize(
    ("other", "names"), [(torch.device("cpu"), "cuda:0 and cpu"), (torch.device("cuda", 1), "cuda:0 and cuda:1")], ids=str
)
@pytest.mark.parametrize(
    "operation",
    [
        torch.add,
        torch.matmul,
        lambda a, b: torch.cat([a, b]),
        lambda a, b: torch.where(a > 0, a, b),
        lambda a, b: torch.nn.functional.linear(a, b),
        lambda a, b: torch.nn.functional.mse_loss(a, b),
        lambda a, b: a.add_(b),
        lambda a, b: MetaTensor(a) * b,
    ],
)
def test_two_devices_are_refused(operation, other, names):
    with pytest.raises(RuntimeError, match=f"two devices, {names}"):
        operation(torch.ones(2, 2, device="cuda:0"), torch.ones(2, 2, device=other))


def test_single_numbers_and_indices_of_the_cpu_are_welcome():
    there = torch.arange(4.0, device="cuda")
    assert (there * torch.tensor(2.0)).tolist() == [0, 2, 4, 6]
    assert there[torch.tensor([1, 2])].tolist() == [1, 2]
    there[torch.tensor([True, False, False, False])] = 5
    assert there.tolist() == [5, 1, 2, 3]
    with pytest.raises(RuntimeError, match="two devices"):
        torch.arange(4.0)[torch.tensor([1, 2], device="cuda")]


def test_copies_may_cross():
    here, there = torch.zeros(2), torch.ones(2, device="cuda:1")
    here.copy_(there)
    assert here.device.type == "cpu" and here.tolist() == [1, 1]


@pytest.mark.parametrize("convert", [lambda t: t.numpy(), np.asarray, np.array, lambda t: t.detach().numpy()])
def test_numpy_is_refused(convert):
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        convert(torch.zeros(2, device="cuda"))


def test_devices_that_are_not_there():
    for index in (2, 7):
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            torch.zeros(1, device=f"cuda:{index}")


def test_current_device():
    torch.cuda.set_device(1)
    assert torch.zeros(1, device="cuda").device.index == 1 and torch.zeros(1).cuda().device.index == 1
    with torch.cuda.device(0):
        assert torch.zeros(1, device="cuda").device.index == 0
    assert torch.cuda.current_device() == 1


def test_training_step():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(144, 1)
    ).cuda()
    optimizer = torch.optim.Adam(network.parameters())
    before = [parameter.detach().clone() for parameter in network.parameters()]
    loss = network(torch.rand(2, 1, 8, 8, device="cuda")).square().mean()
    loss.backward()
    assert all(parameter.grad.is_cuda for parameter in network.parameters())
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    assert all(state["exp_avg"].is_cuda for state in optimizer.state.values())
    assert any(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


def test_class_weights_on_the_cpu_are_refused():
    """The fault of the chest bundle's training."""
    logits, labels = torch.zeros(1, 3, 4, device="cuda"), torch.zeros(1, 4, dtype=torch.long, device="cuda")
    with pytest.raises(RuntimeError, match="two devices"):
        torch.nn.functional.cross_entropy(logits, labels, weight=torch.ones(3))


def test_load_goes_where_it_is_asked_to():
    stream = io.BytesIO()
    torch.save({"weight": torch.ones(2, device="cuda")}, stream)
    for place, device in (("cuda:1", torch.device("cuda", 1)), ("cpu", torch.device("cpu"))):
        stream.seek(0)
        assert torch.load(stream, map_location=place, weights_only=True)["weight"].device == device


def test_autocast_by_capability():
    linear, data = torch.nn.Linear(4, 4).cuda(), torch.ones(1, 4, device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        assert linear(data).dtype == torch.bfloat16 and linear(data).is_cuda
    with SimulatedGPUs(capability=(7, 5)) as old:
        with pytest.raises(RuntimeError, match="does not support bfloat16"):
            torch.autocast("cuda", torch.bfloat16)
        with torch.autocast("cuda", torch.float16):
            assert torch.nn.Linear(4, 4).cuda()(torch.ones(1, 4, device="cuda")).dtype == torch.float16
        assert old.autocasts == [torch.float16]


def test_gradient_scaler():
    network = torch.nn.Linear(4, 1).cuda()
    optimizer, scaler = torch.optim.SGD(network.parameters(), 0.1), torch.amp.GradScaler("cuda")
    with torch.autocast("cuda", torch.float16):
        loss = network(torch.ones(2, 4, device="cuda")).mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() > 0 and network.weight.is_cuda


def test_pinned_loader():
    loader = DataLoader(Dataset([{"image": torch.ones(2)}]), batch_size=1, pin_memory=True)
    assert next(iter(loader))["image"].tolist() == [[1, 1]]


def test_nothing_is_left_behind(gpus):
    assert gpus.count == 2
    gpus.close()
    assert torch.zeros(1).device.type == "cpu" and not torch.cuda.is_available()
