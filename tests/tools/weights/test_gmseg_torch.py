"""The published torch code's weights, against its graph written down once more."""

import pytest
import torch
from torch.nn import functional

from custom_networks import NoPoolASPP, UserError
from tests.conftest import GRAY_MATTER
from tools.bundles import Bundle
from tools.weights.convert import convert
from tools.weights.gmseg_torch import convert_gmseg_torch

UNITS = {"conv1a": (1, 32, 3), "conv1b": (32, 32, 3), "conv2a": (32, 32, 3), "conv2b": (32, 32, 3)}
UNITS |= {f"branch{n}{letter}": (32, 32, 1 if (n, letter) == (1, "b") else 3) for n in range(1, 6) for letter in "ab"}
UNITS |= {"amort": (192, 64, 1)}
DILATION = {"conv2": 2, "branch2": 6, "branch3": 12, "branch4": 18, "branch5": 24}


@pytest.fixture
def state():
    """Random numbers under the published names."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape, low=-0.2, high=0.2):
        return torch.rand(shape, generator=generator) * (high - low) + low

    found = {"prediction.weight": draw(1, 64, 1, 1), "prediction.bias": draw(1)}
    for name, (inner, outer, side) in UNITS.items():
        found |= {f"{name}.weight": draw(outer, inner, side, side), f"{name}.bias": draw(outer)}
    for name, count in {**{f"{name}_bn": outer for name, (_, outer, _) in UNITS.items()}, "concat_bn": 192}.items():
        found |= {f"{name}.{part}": draw(count, low=0.5, high=1.5) for part in ("weight", "running_var")}
        found |= {f"{name}.{part}": draw(count) for part in ("bias", "running_mean")}
    return found


def published(state, image):
    """The published graph up to its logits."""

    def norm(x, name):
        mean, var, weight, bias = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, mean, var, weight, bias)

    def unit(x, name):
        weight, dilation = state[f"{name}.weight"], DILATION.get(name[:-1], 1)
        x = functional.conv2d(x, weight, state[f"{name}.bias"], padding=dilation * (weight.shape[-1] // 2), dilation=dilation)
        return norm(x.relu(), f"{name}_bn")

    for name in ("conv1a", "conv1b", "conv2a", "conv2b"):
        image = unit(image, name)
    parts = [unit(unit(image, f"branch{n}a"), f"branch{n}b") for n in range(1, 6)]
    parts.append(image.mean((2, 3), keepdim=True).expand_as(image))
    fused = unit(norm(torch.cat(parts, 1), "concat_bn"), "amort")
    return functional.conv2d(fused, state["prediction.weight"], state["prediction.bias"])


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_converted_network_answers_as_the_published_one(tmp_path, state, wrapped):
    """Also a checkpoint of several GPUs; the network is that of ``seed_network.json``, 126,177 parameters."""
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}} if wrapped else state, tmp_path / "theirs.pt")
    with Bundle(GRAY_MATTER).parser("inference.json", "inference_paper.json", "seed_network.json") as parser:
        network = parser.get_parsed_content("network_def")
    assert isinstance(network, NoPoolASPP) and sum(p.numel() for p in network.parameters()) == 126_177
    network.load_state_dict(convert_gmseg_torch(tmp_path / "theirs.pt"))
    image = torch.rand(1, 1, 60, 51, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(network.eval()(image), published(state, image), atol=1e-4)


def test_training_by_the_seed_is_the_paper_s_with_its_network():
    with Bundle(GRAY_MATTER).parser("train.json", "train_paper.json", "seed_network.json") as parser:
        network = parser.get_parsed_content("network_def")
        assert parser["patch"] == 200 and parser["threshold"] == 0.999 and parser["learning_rate"] == 0.001
    assert not network.pool_stem and network.concat_norm.momentum == 0.1 and network.concat_dropout.p == 0.4


def test_other_files_are_refused(tmp_path, state):
    path = tmp_path / "theirs.pt"
    torch.save({name: value for name, value in state.items() if name != "branch3a.weight"}, path)
    with pytest.raises(UserError, match=r"no layer branch3a\.weight"):
        convert_gmseg_torch(path)
    torch.save(state | {"amort.weight": torch.zeros(64, 10, 1, 1)}, path)
    with pytest.raises(UserError, match=r"amort\.weight is of"):
        convert_gmseg_torch(path)
    torch.save(state | {"amort.weight": [1]}, path)
    with pytest.raises(UserError, match="not a readable state dict"):
        convert_gmseg_torch(path)
    path.write_text("no weights")
    with pytest.raises(UserError, match="not a readable state dict"):
        convert_gmseg_torch(path)


def test_the_user_is_told_how_to_run_them(tmp_path, state):
    torch.save(state, tmp_path / "theirs.pt")
    lines = list(convert("gmseg-torch", [tmp_path / "theirs.pt"], tmp_path / "ours.pt"))
    assert "seed_network.json" in lines[1] and (tmp_path / "ours.pt").is_file()
