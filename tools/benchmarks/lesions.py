"""Measure what skipping empty windows and bfloat16 save on a whole brain."""

import time

import numpy as np
import torch
from scipy.ndimage import zoom

from custom_networks.inferers.precision import has_bfloat16

from ..bundles import Bundle, load_network
from ..phantoms.brain import make_brain_phantom

SHAPE = (182, 218, 182)  # of the MNI grid at 1 mm


def bench_windows(bundle: Bundle) -> list[str]:
    """Say the seconds of the inferer on a brain of `SHAPE`, as it is, without skipping and in float32, and their ratios."""
    phantom = make_brain_phantom(np.random.default_rng(0))
    factors = [whole / size for whole, size in zip(SHAPE, phantom.label.shape, strict=True)]
    image = torch.from_numpy(np.stack([zoom(array.astype(np.float32), factors, order=1) for array in phantom.images.values()]))
    image = image / image.std()
    with bundle.parser("inference.json", device="cpu") as parser:
        network = load_network(parser, bundle)
        inferer = parser.get_parsed_content("inferer")
        seconds = {"as shipped": _seconds(inferer, image, network)}
        inferer.skip_empty = False
        seconds["without skipping empty windows"] = _seconds(inferer, image, network)
        inferer.skip_empty = True
        if has_bfloat16(torch.device("cpu")):
            inferer.autocast.precision = "float32"
            seconds["in float32"] = _seconds(inferer, image, network)
    shipped = seconds["as shipped"]
    return [
        f"windows over a brain of 182x218x182, {name}: {value:.1f} s, ratio {value / shipped:.2f}"
        for name, value in seconds.items()
    ]


def _seconds(inferer, image: torch.Tensor, network: torch.nn.Module) -> float:
    start = time.perf_counter()
    with torch.inference_mode():
        inferer(image[None], network)
    return time.perf_counter() - start
