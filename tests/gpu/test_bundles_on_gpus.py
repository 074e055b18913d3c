"""Every bundle trains, validates, evaluates and infers on a GPU: on simulated ones, and on a real one where there is one."""

from contextlib import nullcontext
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from simulated_gpu import SimulatedGPUs
from small_data import DIGITS, SETTINGS, write_small_data

from tools.bundles import get_bundle

HAS_GPU = torch.cuda.is_available()
GPUS = {
    "a100": lambda: SimulatedGPUs(capability=(8, 0)),
    "t4": lambda: SimulatedGPUs(capability=(7, 5)),
    "real": nullcontext,
}
REAL = pytest.param("real", marks=pytest.mark.skipif(not HAS_GPU, reason="no GPU on this machine"))


def simulated(name: str, *marks: pytest.MarkDecorator):
    """Mark a simulated GPU, which a machine with a real one has no use for."""
    return pytest.param(name, marks=[*marks, pytest.mark.skipif(HAS_GPU, reason="the real GPU is tested")])


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda name: "_".join(name.split("_")[:2]))
def small(request, tmp_path_factory) -> tuple[str, dict]:
    """A bundle's name and the settings of a short training."""
    return request.param, write_small_data(request.param, tmp_path_factory.mktemp("data"))


def run(bundle: str, configs: tuple[str, ...], **settings):
    """Run a bundle's configs in this process; return the parser's network."""
    with get_bundle(bundle).parser(*configs, **settings) as parser:
        parser.get_parsed_content("initialize")
        parser.get_parsed_content("run")
        return parser.get_parsed_content("network")


@pytest.mark.parametrize("gpu", [simulated("a100"), simulated("t4", pytest.mark.exhaustive), REAL])
def test_bundles_train_and_validate(small, gpu, tmp_path):
    bundle, settings = small
    with GPUS[gpu]() as simulation:
        network = run(bundle, ("train.json",), **settings, output_dir=str(tmp_path))
        assert all(parameter.is_cuda for parameter in network.parameters())
    if gpu != "real":
        expected = torch.bfloat16 if gpu == "a100" else torch.float16
        assert set(simulation.autocasts) == (set() if bundle == DIGITS else {expected})
        scaler = torch.load(tmp_path / "checkpoint.pt", weights_only=True).get("scaler")
        assert (scaler is not None and scaler["scale"] > 0) == (gpu == "t4" and bundle != DIGITS)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(weight.device.type == "cpu" and weight.isfinite().all() for weight in weights.values())


@pytest.mark.parametrize("gpu", [simulated("a100", pytest.mark.exhaustive), REAL])
def test_bundles_evaluate(small, gpu, tmp_path):
    bundle, settings = small
    with GPUS[gpu]():
        ckpt = get_bundle(bundle).folder / "models" / "model.pt"
        run(bundle, ("train.json", "evaluate.json"), **settings, output_dir=str(tmp_path), ckpt=str(ckpt))
    assert list(tmp_path.glob("*.csv"))


def infer(small: tuple[str, dict], device: str, output: Path, **options):
    """Return the mask of the first image, or the text of its prediction."""
    bundle, settings = small
    images = [path for path in sorted(Path(settings["dataset_dir"]).rglob("*")) if path.name.endswith((".nii.gz", ".png"))]
    image = next(path for path in images if "label" not in path.name)
    run(bundle, ("inference.json",), input=str(image), output_dir=str(output), device=f"$torch.device('{device}')", **options)
    (result,) = sorted(output.glob("*_seg.nii.gz")) or sorted(output.glob("*_pred.json"))
    return result.read_text() if bundle == DIGITS else np.asarray(nibabel.load(result).dataobj)


@pytest.fixture(scope="module")
def by_cpu(small, tmp_path_factory):
    """In float32: that half precision of processors rounds otherwise than that of GPUs is no fault of either."""
    options = {} if small[0] == DIGITS else {"bfloat16": False}
    return infer(small, "cpu", tmp_path_factory.mktemp("cpu"), **options)


@pytest.mark.parametrize("gpu", [simulated("a100"), simulated("t4"), REAL])
def test_bundles_infer_as_on_the_cpu(small, by_cpu, gpu, tmp_path):
    with GPUS[gpu]():
        found = infer(small, "cuda", tmp_path)
    if small[0] == DIGITS:
        assert found.split("probabilities")[0] == by_cpu.split("probabilities")[0]
    else:
        both = np.count_nonzero((found > 0) & (found == by_cpu))
        assert both and 2 * both / (np.count_nonzero(found) + np.count_nonzero(by_cpu)) > 0.99
