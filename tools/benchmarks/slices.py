"""Measure a 2D network alone on one slice."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from custom_networks.inferers.precision import has_bfloat16
from custom_networks.networks.fusion import for_inference

from ..bundles import Bundle, load_network
from .peak import cpu_seconds

SLICES = {  # pixels a side
    "chest_xray_organs_segmentation": 256,
    "spinal_cord_gray_matter_segmentation": 200,
    "spinal_muscles_mri_segmentation": 256,
}


def bench_network(bundle: Bundle) -> list[str]:
    """Say what the network takes, fused as in inference: in float32, in bfloat16 where there is such, and in ONNX Runtime."""
    side = SLICES[bundle.name]
    with bundle.parser("inference.json", device="cpu") as parser:
        network = load_network(parser, bundle).float()
    window = torch.randn(1, 1, side, side)
    seconds = {}
    with contextlib.suppress(ImportError):
        seconds["ONNX Runtime, float32"] = _onnx_seconds(network, window)
    network, window = network.to(memory_format=torch.channels_last), window.contiguous(memory_format=torch.channels_last)
    seconds["float32"] = median_seconds(lambda: for_inference(network)(window))
    if has_bfloat16(torch.device("cpu")):
        with torch.autocast("cpu", torch.bfloat16):
            seconds["bfloat16"] = median_seconds(lambda: for_inference(network)(window))
    return [f"network {value:.4f} s of CPU time a slice of {side}x{side}, {name}" for name, value in seconds.items()]


def median_seconds(call: Callable[[], object], runs: int = 20) -> float:
    """Return the median CPU time of a call without gradients, after one call to warm up."""
    with torch.inference_mode():
        seconds = [cpu_seconds(call) for _ in range(runs + 1)]
    return float(np.median(seconds[1:]))


def _onnx_seconds(network: torch.nn.Module, window: torch.Tensor) -> float:
    import onnxruntime
    import onnxscript  # noqa: F401  torch's exporter needs it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        path = Path(scratch) / "model.onnx"
        torch.onnx.export(network, (window,), path, dynamo=True)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: window.numpy()}
    return median_seconds(lambda: session.run(None, feed))
