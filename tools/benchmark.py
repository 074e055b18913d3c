"""Measure where the seconds go, stage by stage."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from monai.data import decollate_batch, list_data_collate
from rich.console import Console
from rich.table import Table

from custom_networks.data.data_list import load_data_list
from custom_networks.inferers.autocast_inferer import has_bfloat16

from .benchmark_lesions import bench_windows
from .benchmark_vertebrae import bench_traversal
from .bundles import Bundle, load_network
from .datasets.digits import prepare_digits
from .phantoms.write import WRITERS

SLICES = {  # pixels a side of the slice on which a 2D network is timed alone
    "chest_xray_organs_segmentation": 256,
    "spinal_cord_gray_matter_segmentation": 200,
    "spinal_muscles_mri_segmentation": 256,
}


def bench(bundles: list[Bundle], console: Console) -> None:
    """Print a table of the median seconds of each stage, and of the 2D networks alone on one slice.

    The case is a phantom, or a digit. The first run, which warms up, is left out.
    """
    console.print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", highlight=False)
    table = Table("bundle", "case", "load and preprocess", "network", "postprocess and save", "total")
    with tempfile.TemporaryDirectory() as scratch:
        for bundle in bundles:
            table.add_row(bundle.name, *_bench_case(bundle, Path(scratch)))
    console.print(table)
    for bundle in bundles:
        if bundle.name == "vertebrae_ct_instance_segmentation":
            bench_traversal(bundle, console)
        if bundle.kind == "lesions":
            bench_windows(bundle, console)
        if bundle.name in SLICES:
            side = SLICES[bundle.name]
            for name, seconds in _bench_network(bundle, side).items():
                console.print(f"{bundle.name}: network {seconds:.4f} s a slice of {side}x{side}, {name}", highlight=False)


def _bench_case(bundle: Bundle, scratch: Path, runs: int = 3) -> list[str]:
    data = scratch / bundle.name
    path = WRITERS[bundle.name](data, 1, 0) if bundle.name in WRITERS else prepare_digits(data)
    case = load_data_list(path.parent, "training")[0]["image"]
    with bundle.parser("inference.json", output_dir=str(scratch / "out")) as parser:
        preprocessing, postprocessing, inferer = (
            parser.get_parsed_content(name) for name in ("preprocessing", "postprocessing", "inferer")
        )
        network = load_network(parser, bundle)
        device = parser.get_parsed_content("device")
        rows = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            batch = list_data_collate([preprocessing({"image": case})])
            loaded = time.perf_counter()
            with torch.inference_mode():
                batch["pred"] = inferer(batch["image"].to(device), network)
            inferred = time.perf_counter()
            for item in decollate_batch(batch):
                postprocessing(item)
            rows.append([loaded - start, inferred - loaded, time.perf_counter() - inferred])
    medians = np.median(rows[1:], axis=0)
    shape = "x".join(str(n) for n in batch["image"].meta["spatial_shape"][0].tolist())
    return [shape, *(f"{seconds:.3f} s" for seconds in (*medians, medians.sum()))]


def _bench_network(bundle: Bundle, side: int) -> dict[str, float]:
    """Return seconds in float32 and, where the processor has it, in bfloat16."""
    with bundle.parser("inference.json", device="cpu") as parser:
        network = load_network(parser, bundle).to(memory_format=torch.channels_last)
        window = torch.randn(1, 1, side, side).contiguous(memory_format=torch.channels_last)
        seconds = {"float32": median_seconds(lambda: network(window))}
        if has_bfloat16(torch.device("cpu")):
            with torch.autocast("cpu", torch.bfloat16):
                seconds["bfloat16"] = median_seconds(lambda: network(window))
    return seconds


def median_seconds(call: Callable[[], object], runs: int = 20) -> float:
    """Return the median duration of a call without gradients, after one call to warm up."""
    seconds = []
    with torch.inference_mode():
        for _ in range(runs + 1):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))
