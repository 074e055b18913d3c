"""TorchScript and ONNX, made by MONAI's own commands, give what the network gives."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch

from tools.bundles import all_bundles, load_network

BUNDLES = {bundle.name: bundle for bundle in all_bundles()}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=BUNDLES.values(), ids=BUNDLES.keys())
def bundle(request):
    return request.param


@pytest.fixture(scope="module")
def network(bundle) -> torch.nn.Module:
    with bundle.parser("inference.json", device="cpu") as parser:
        return load_network(parser, bundle).float()


@pytest.fixture(scope="module")
def shape(bundle) -> list[int]:
    """Of an input that the metadata allow; sizes like ``16*n`` are 48."""
    data = bundle.metadata["network_data_format"]["inputs"]["image"]
    return [1, data["num_channels"], *(48 if isinstance(size, str) else size for size in data["spatial_shape"])]


def export(bundle, command: str, target, shape) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "monai.bundle", command, "network_def", "--filepath", str(target),
            "--ckpt_file", "models/model.pt", "--meta_file", "configs/metadata.json",
            "--config_file", "configs/inference.json", "--input_shape", str(shape),
        ],
        cwd=bundle.folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_torchscript(bundle, network, shape, tmp_path):
    export(bundle, "ckpt_export", tmp_path / "model.ts", shape)
    image = torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts")(image), network(image), atol=1e-4, rtol=1e-4)


def test_onnx(bundle, network, shape, tmp_path):
    export(bundle, "onnx_export", tmp_path / "model.onnx", shape)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    image = torch.randn(shape)
    with torch.inference_mode():
        expected = network(image).numpy()
    (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max(), rtol=1e-3)
